"""Which references are too close, and whom a suspect is close to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

import world
from birthmark import Kind, Outputs
from birthmark.audit.controls import controls
from birthmark.enrolment.exchangeability import left_out
from birthmark.scores import SCORES


def made(close: int) -> Any:
    """A fingerprint whose first references answer much as the victim does, as a lineage."""
    rng = np.random.default_rng(0)
    bundle = world.fingerprint_of_digits().bundle
    references = [
        Outputs(
            (bundle.victim.values + rng.normal(size=bundle.victim.values.shape)).astype(np.float32),
            Kind.LOGITS,
            10,
        )
        if i < close
        else one
        for i, one in enumerate(bundle.references)
    ]
    described = [
        one.model_copy(update={"lineage": "near" if i < 6 else f"far-{i % 3}"})
        for i, one in enumerate(bundle.manifest.references)
    ]
    manifest = bundle.manifest.model_copy(update={"references": described})
    return replace(bundle, references=references, manifest=manifest)


def test_a_lineage_that_is_closer_is_named() -> None:
    found = left_out(made(close=6))
    *far, near = sorted(found.lineages, key=lambda one: one.lineage)
    assert (near.lineage, near.references, near.closer) == ("near", 6, True)
    assert near.accused == 6
    assert [(one.accused, one.closer) for one in far] == [(0, False)] * 3
    assert found.accused <= 1
    assert any("systematically closer" in said for said in found.sentences)
    plain = left_out(made(close=0))
    assert not any(one.closer for one in plain.lineages)


def test_one_lineage_alone_is_not_left_out() -> None:
    bundle = world.fingerprint_of_digits().bundle
    described = [one.model_copy(update={"lineage": "linear"}) for one in bundle.manifest.references]
    manifest = bundle.manifest.model_copy(update={"references": described})
    found = left_out(replace(bundle, manifest=manifest))
    assert found.lineages == []
    assert found.accused <= 1
    assert len(found.sentences) == 1


def test_who_is_close_to_everyone_or_to_anything_does_not_pass() -> None:
    """A suspect that is the mean of all models, and one close to the victim's shuffled answers."""
    rng = np.random.default_rng(3)
    score = SCORES.make("sac-cosine-l1")
    common = rng.normal(size=(40, 6))

    def model(noise: float = 1.0, of: Any = common) -> Outputs:
        values = of + noise * rng.normal(size=(40, 6))
        return Outputs(values.astype(np.float32), Kind.LOGITS, 6)

    victim, references = model(), [model() for _ in range(19)]
    thief = model(0.1, victim.values)
    assert controls(score, victim, thief, references, 0.05).passed
    everyone = model(0.0)
    found = controls(score, victim, everyone, references, 0.05)
    assert found.close_to > 15
    assert not found.passed
    shuffled = Outputs(victim.values[rng.permutation(40)], Kind.LOGITS, 6)
    assert controls(score, victim, shuffled, references, 0.05).permuted_as_close > 0
