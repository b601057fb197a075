from __future__ import annotations

import numpy as np
import pytest

from birthmark import BirthmarkError
from birthmark.calibration import conformal_p
from birthmark.calibration.sequential import Sequential

CLOSE = [0.0, 5.0, 5.1, 4.9, 5.2]
NEAR = [4.8, 5.0, 5.1, 4.9, 5.2]
FAR = [6.0, 5.0, 5.1, 4.9, 5.2]


@pytest.mark.parametrize(
    ("looks", "called"),
    [
        ([NEAR], [True]),
        ([FAR], [False]),
        ([NEAR, NEAR, NEAR], [False, False, True]),
        ([CLOSE, FAR, FAR], [True, True, True]),
        ([FAR, CLOSE, FAR], [False, True, True]),
        ([FAR, FAR, CLOSE], [False, False, True]),
        ([[5.0, 5.1, 0.0, 4.9, 5.2], CLOSE, CLOSE], [False, False, False]),
        ([[0.0, 5.0, 5.0, 5.0, 5.0], FAR], [False, False]),
        ([[0.0, 0.0, 4.9, 5.0, 5.1], NEAR], [False, True]),
        ([[4.0, 4.1, 4.9, 5.0, 5.1], NEAR], [False, True]),
        ([[4.9, 4.9, 5.0, 5.1, 5.2]], [False]),
    ],
    ids=[
        "one look",
        "far",
        "only at the last",
        "at the first, for good",
        "at the second",
        "far, then close",
        "a reference has used up the budget",
        "nothing to measure distance by",
        "tied early",
        "hardly ahead",
        "tied at the last",
    ],
)
def test_four_references_allow_one_call(looks: list[list[float]], called: list[bool]) -> None:
    test = Sequential(4, 0.2)
    found = [test.look(numbers, last=i == len(looks) - 1) for i, numbers in enumerate(looks)]
    assert found == called
    assert (test.called, test.looks, test.budget, test.rate) == (called[-1], len(looks), 1, 0.2)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize(("references", "alpha"), [(19, 0.05), (20, 0.05), (39, 0.1), (9, 0.5)])
def test_a_single_look_is_the_conformal_test(references: int, alpha: float, ties: bool) -> None:
    rng = np.random.default_rng(references)
    for _ in range(200):
        numbers = rng.normal(size=references + 1).round(1 if ties else 9).tolist()
        called = Sequential(references, alpha).look(numbers, last=True)
        assert called == (conformal_p(numbers[0], numbers[1:]) <= alpha)


@pytest.mark.parametrize("lead", [0.0, 0.5])
@pytest.mark.parametrize("ties", [False, True])
def test_calls_stay_within_the_budget_and_follow_their_members(ties: bool, lead: float) -> None:
    """Whoever stands first: together they are called at most as often as there is budget."""
    rng = np.random.default_rng(0)
    references, alpha, looks = 11, 0.25, 4
    for _ in range(50):
        answers = rng.standard_cauchy((looks, references + 1)).round(0 if ties else 9)
        calls = np.zeros((looks, references + 1), bool)
        for one in range(references + 1):
            test = Sequential(references, alpha, threshold=1.0, lead=lead)
            for k, numbers in enumerate(answers):
                turned = np.roll(numbers, -one).tolist()
                calls[k, one] = test.look(turned, last=k == looks - 1)
        assert (calls[1:] >= calls[:-1]).all()
        assert calls.sum(axis=1).max() <= 3
        if not ties:
            assert calls[-1].sum() == 3


def test_every_lineage_must_agree() -> None:
    lineages = ["a"] * 4 + ["b"] * 4 + [None] * 2
    others = [5.0, 5.1, 4.9, 5.2, 5.0, 5.1, 4.9, 5.2, 5.0, 5.1]
    test = Sequential(10, 0.2, lineages)
    assert (test.budget, test.rate) == (2, 2 / 11)
    assert test.rates == {"a": 0.2, "b": 0.2}
    close_in_b = [0.0, *others[:4], -1.0, *others[5:]]
    assert not test.look(close_in_b, last=False)
    assert not test.look([0.0, *others], last=True)
    assert Sequential(10, 0.2).look(close_in_b, last=False)
    assert Sequential(10, 0.2, lineages).look([0.0, *others], last=False)


def test_a_lineage_of_one_takes_a_suspect_closer_than_it() -> None:
    lineages = ["lone", *["many"] * 18]
    others = np.linspace(5, 6, 19).tolist()
    test = Sequential(19, 0.05, lineages)
    assert test.rates == {"lone": 1 / 2, "many": 1 / 19}
    assert test.look([0.0, *others], last=False)
    assert not Sequential(19, 0.05, lineages).look([5.0, *others], last=True)


@pytest.mark.parametrize("alpha", [0.04, 0.0, 1.0, -1.0, float("nan")])
def test_an_alpha_out_of_reach_is_refused(alpha: float) -> None:
    with pytest.raises(BirthmarkError, match="alpha"):
        Sequential(19, alpha)


def test_misuse_is_refused() -> None:
    with pytest.raises(BirthmarkError, match="lineages"):
        Sequential(4, 0.2, ["a"])
    test = Sequential(4, 0.2)
    with pytest.raises(BirthmarkError, match="numbers"):
        test.look([1.0, 2.0], last=False)
    with pytest.raises(BirthmarkError, match="finite"):
        test.look([float("nan"), *NEAR[1:]], last=False)
    test.look(NEAR, last=True)
    with pytest.raises(BirthmarkError, match="after the last"):
        test.look(NEAR, last=True)
