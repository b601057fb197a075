"""One table for all scores."""

from __future__ import annotations

import numpy as np
import pytest

import world
from birthmark import Kind, Outputs
from birthmark.methods import PUBLISHED, method
from birthmark.scores import SCORES

EXAMPLES = ["sac-cosine-l1", "sac-halfcosine-l1", "sac-rbf-l1", "sac-labels-l1"]
PAIRS = [(name, kind) for name in EXAMPLES for kind in SCORES.make(name).kinds]


def answers(seed: int, kind: Kind = Kind.LOGITS, n: int = 60) -> Outputs:
    values = np.random.default_rng(seed).normal(size=(n, 8)) * 3
    logits = Outputs.checked(values, kind if kind is Kind.EMBEDDINGS else Kind.LOGITS, "model")
    return logits.to(kind)


def test_the_table_holds_every_score() -> None:
    assert {plugin.example for plugin in SCORES.plugins()} <= set(EXAMPLES)
    assert all(any(p.pattern.fullmatch(e) for p in SCORES.plugins()) for e in EXAMPLES)


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_a_copy_is_closest_and_noise_moves_away(name: str, kind: Kind) -> None:
    score = SCORES.make(name)
    victim = answers(0, kind)
    noise = np.random.default_rng(9).normal(size=(60, 8))
    near = answers(0, Kind.EMBEDDINGS if kind is Kind.EMBEDDINGS else Kind.LOGITS)
    near = Outputs(near.values + 0.3 * noise.astype(np.float32), near.kind, 8).to(kind)
    references = [answers(seed, kind) for seed in (1, 2)]
    copied, noisy, other = score(victim, [victim, near, references[0]], references)
    assert score.name == name
    assert 0 <= copied < 1e-6
    assert copied < noisy < other


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_order_of_probes_does_not_matter(name: str) -> None:
    order = np.random.default_rng(3).permutation(60)
    score = SCORES.make(name)
    one, other = (answers(seed, score.kinds[0]) for seed in (0, 1))
    turned = [Outputs(a.values[order], a.kind, a.classes) for a in (one, other)]
    assert score(one, [other], []) == pytest.approx(score(turned[0], [turned[1]], []))


@pytest.mark.parametrize("name", EXAMPLES)
def test_renamed_classes_do_not_matter(name: str) -> None:
    score = SCORES.make(name)
    victim = answers(0)
    renamed = Outputs(victim.values[:, ::-1], victim.kind, 8)
    kind = score.kinds[0]
    assert score(victim.to(kind), [renamed.to(kind)], [])[0] < 1e-6


@pytest.mark.parametrize("name", EXAMPLES)
def test_scores_tell_a_thief_from_innocents(name: str) -> None:
    images, _ = world.pictures()
    inputs = world.flat(images[1000:1200])
    ask = [m.decision_function(inputs) for m in (world.victim(), world.thief())]
    ask += [world.innocent(i).decision_function(inputs) for i in range(5)]
    victim, thief, *innocents = (Outputs.checked(a, Kind.LOGITS, "m") for a in ask)
    score = SCORES.make(name)
    victim, thief, *innocents = (o.to(score.kinds[0]) for o in (victim, thief, *innocents))
    stolen, *others = score(victim, [thief, *innocents], innocents)
    assert stolen < min(others)


@pytest.mark.parametrize(("name", "full"), PUBLISHED.items())
def test_published_names_are_full_names(name: str, full: str) -> None:
    assert method(name).name == full
