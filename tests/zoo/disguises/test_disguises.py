"""One table for all disguises."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from birthmark.data.outputs import Kind, Outputs
from birthmark.zoo.disguises import DISGUISES, disguise_of
from birthmark.zoo.plan import Scalar

PIXELS = np.random.default_rng(0).integers(0, 256, (4, 3, 16, 16), np.uint8)
LOGITS = Outputs(
    np.random.default_rng(1).standard_normal((4, 5)).astype(np.float32), Kind.LOGITS, 5
)
POINTS = Outputs(LOGITS.values, Kind.EMBEDDINGS, 5)


def rounded(said: Outputs) -> bool:
    return said.kind is Kind.PROBABILITIES and bool((np.round(said.values, 1) == said.values).all())


def two_largest(said: Outputs) -> bool:
    return all(len(set(np.sort(row)[:-2])) == 1 for row in said.values)


def labels(said: Outputs) -> bool:
    return bool((said.values == LOGITS.predicted()).all())


def same_numbers(said: Outputs) -> bool:
    return bool((np.sort(said.values) == np.sort(LOGITS.values)).all())


ANSWERS: list[tuple[str, dict[str, Scalar], Callable[[Outputs], bool]]] = [
    ("rounded", {"digits": 1}, rounded),
    ("top-k", {"k": 2}, two_largest),
    ("labels-only", {}, labels),
    ("renamed", {"order": 1}, same_numbers),
]
INPUTS: list[tuple[str, dict[str, Scalar]]] = [
    ("smoothed", {"sigma": 1.0}),
    ("recompressed", {"quality": 10}),
]


@pytest.mark.parametrize(("name", "parameters", "check"), ANSWERS)
def test_disguised_answers(
    name: str, parameters: dict[str, Scalar], check: Callable[[Outputs], bool]
) -> None:
    disguise = disguise_of(name, parameters)
    assert check(disguise.said(LOGITS))
    assert disguise.seen(PIXELS) is PIXELS
    assert not disguise.changes_input


@pytest.mark.parametrize(("name", "parameters"), INPUTS)
def test_disguised_inputs(name: str, parameters: dict[str, Scalar]) -> None:
    disguise = disguise_of(name, parameters)
    seen = disguise.seen(PIXELS)
    assert seen.shape == PIXELS.shape
    assert seen.dtype == np.uint8
    assert seen.std() < PIXELS.std()
    assert disguise.said(LOGITS) is LOGITS
    assert disguise.changes_input


def test_every_disguise_is_in_a_table() -> None:
    tried = {row[0] for row in (*ANSWERS, *INPUTS)}
    assert tried == {plugin.example for plugin in DISGUISES.plugins()}


def test_a_turned_embedding_keeps_its_similarities() -> None:
    said = disguise_of("renamed", {"order": 1}).said(POINTS)
    assert not np.allclose(said.values, POINTS.values)
    np.testing.assert_allclose(
        said.values @ said.values.T, POINTS.values @ POINTS.values.T, atol=1e-5
    )
