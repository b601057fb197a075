"""Answers that were cut or rounded are told from whole ones, and others are treated alike."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import world
from birthmark import Kind, Outputs
from birthmark.data.forms import Form, form_of, largest, matched, rounded, two_valued

CUT: dict[str, tuple[Callable[[Outputs], Outputs], Form]] = {
    "whole": (lambda o: o, Form()),
    "one": (lambda o: largest(o, 1), Form(largest=1)),
    "three": (lambda o: largest(o, 3), Form(largest=3)),
    "three, scaled": (lambda o: largest(o, 3, scaled=True), Form(largest=3, scaled=True)),
    "two digits": (lambda o: rounded(o, 2), Form(digits=2)),
}


def answers(rng: np.random.Generator, n: int = 40, spread: float = 1.5) -> Outputs:
    logits = rng.normal(size=(n, 8)).astype(np.float32) * spread
    return Outputs(logits, Kind.LOGITS, 8).to(Kind.PROBABILITIES)


@pytest.mark.parametrize("name", CUT)
def test_a_form_is_seen_and_done_to_others(name: str) -> None:
    cut, form = CUT[name]
    rng = np.random.default_rng(0)
    one, other = answers(rng), answers(rng)
    seen = form_of(cut(one))
    assert (seen.digits, seen.scaled) == (form.digits, form.scaled)
    assert seen.largest == form.largest
    assert bool(seen) == bool(form)
    assert np.allclose(seen.of(one).values, seen.of(cut(one)).values, atol=1e-6)
    assert form_of(cut(other)) == seen
    if form:
        assert "treated the same way" in seen.sentence


def test_rounding_leaves_few_numbers_and_labels_and_logits_have_no_form() -> None:
    rng = np.random.default_rng(1)
    coarse = form_of(rounded(answers(rng, spread=4), 1))
    assert coarse.digits == 1
    plain = Outputs(np.ones((3, 4), np.float32), Kind.LOGITS, 4)
    assert not form_of(plain)
    assert not form_of(plain.to(Kind.LABELS))
    embeddings = Outputs(rng.normal(size=(5, 6)).astype(np.float32), Kind.EMBEDDINGS, 6)
    assert not form_of(embeddings)
    assert form_of(rounded(embeddings, 2)).digits == 2


def test_an_audit_treats_all_alike_and_says_so() -> None:
    made = world.fingerprint_of_digits()

    def three(inputs: np.ndarray) -> np.ndarray:
        model = world.innocent(25)
        whole = model.predict_proba(inputs.reshape(len(inputs), -1)).astype(np.float32)
        return largest(Outputs(whole, Kind.PROBABILITIES, 10), 3).values

    result = made.audit(world.answering(three, output="probabilities"))
    assert any("gives only the 3 largest numbers" in said for said in result.findings)
    assert result.compared_as is Kind.PROBABILITIES


def similar(seed: int, scale: float = 1.0) -> Outputs:
    values = scale * np.tanh(np.random.default_rng(seed).normal(size=(60, 5)))
    return Outputs(values.astype(np.float32), Kind.SIMILARITIES, 5)


@pytest.mark.parametrize(("scale", "step"), [(1, 0.01), (100, 1), (100, 5), (1, 0.05), (1, 1e-4)])
def test_rounded_similarities_are_seen_on_any_scale_and_others_rounded_alike(
    scale: float, step: float
) -> None:
    exact = similar(0, scale)
    told = Outputs((np.round(exact.values / step) * step).astype(np.float32), Kind.SIMILARITIES, 5)
    form = form_of(told)
    assert form.step == pytest.approx(step / told.values.std())
    assert np.allclose(form.of(told).values, told.values, atol=scale * 1e-6)
    other = form.of(similar(1))
    assert form.step is not None
    gaps = np.diff(np.unique(other.values))
    assert gaps.min() >= 0.9 * form.step * other.values.std()
    assert not form_of(exact)
    assert "treated the same way" in form.sentence


@pytest.mark.parametrize("told", [(0, 1), (-1, 1), (0, 100)])
def test_match_or_no_match_sets_the_threshold_of_others_by_its_share(
    told: tuple[int, int],
) -> None:
    values = np.where(similar(0).values > 0.8, told[1], told[0]).astype(np.float32)
    said = Outputs(values, Kind.SIMILARITIES, 5)
    form = form_of(said)
    share = float((values == told[1]).mean())
    assert form.matching == pytest.approx(share)
    assert np.array_equal(form.of(said).values, values == told[1])
    other = form.of(similar(1))
    assert two_valued(other.values)
    assert other.values.mean() == pytest.approx(share)
    assert matched(similar(1), 0).values.sum() == 1
    assert "whether two images match" in form.sentence
