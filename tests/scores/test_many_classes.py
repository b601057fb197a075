"""A thousand classes and more cost little time and memory."""

from __future__ import annotations

import time
import tracemalloc

import numpy as np
import pytest

from birthmark import Kind, Outputs
from birthmark.audit.controls import controls
from birthmark.scores import SCORES
from names_world import World


def test_a_verdict_among_a_thousand_classes_takes_seconds() -> None:
    """80 to 105 seconds once, by an assignment for each of 2,480 comparisons."""
    world = World(1_000, 100, 0)
    said = [world.victim, *(world.model() for _ in range(41))]
    victim, suspect, *references = (world.logits(one) for one in said)
    began = time.process_time()
    for one in (suspect, world.renamed(suspect)):
        controls(SCORES.make("partial0.03"), victim, one, references, 0.01)
    assert time.process_time() - began < 20


@pytest.mark.parametrize(
    ("kind", "n", "classes", "models"),
    [
        (Kind.LABELS, 300, 10_000, 60),
        (Kind.LOGITS, 60, 10_000, 12),
        (Kind.EMBEDDINGS, 300, 512, 100),
    ],
)
def test_answers_are_not_copied_in_double_precision(
    kind: Kind, n: int, classes: int, models: int
) -> None:
    rng = np.random.default_rng(0)
    everyone = []
    for _ in range(models):
        if kind is Kind.LABELS:
            everyone.append(Outputs(rng.integers(0, classes, n), kind, classes))
        else:
            values = rng.standard_normal((n, classes), dtype=np.float32)
            everyone.append(Outputs(values, kind, classes))
    held = sum(one.values.nbytes for one in everyone)
    tracemalloc.start()
    SCORES.make("partial0.03").settled(everyone[0], everyone[1:])[0].among(everyone)(
        0, range(1, models)
    )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.5 * held + (400 << 20), f"{peak >> 20} MiB beside {held >> 20}"
