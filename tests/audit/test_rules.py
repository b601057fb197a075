"""What derived takes, by either rule."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import world
from birthmark import BirthmarkError, Fingerprint, Verdict
from birthmark.audit.result import Result, percent
from birthmark.audit.rule import Rule
from birthmark.calibration import called
from birthmark.evidence.replay import differing, replay
from birthmark.report.folder import read_audit, write_audit


def audited(
    lineages: list[str | None], own: str | None, of_suspect: str | None = None, **options: Any
) -> Result:
    """An audit of a thief against references that are said to be of these lineages."""
    references = [
        world.as_digits(
            world.innocent(i, world.lineage_of(i)), name=f"innocent-{i}", lineage=lineage
        )
        for i, lineage in enumerate(lineages)
    ]
    made = Fingerprint.enroll(
        world.as_digits(world.victim(), lineage=own),
        world.image_set(),
        references,
        n=40,
        start="random",
    )
    return made.audit(world.as_digits(world.thief(), name="thief", lineage=of_suspect), **options)


BY_RANK: dict[str, Any] = {"rule": Rule.RANK, "alpha": 0.05}


@pytest.mark.parametrize(
    ("lineages", "own", "said"),
    [
        (["linear"] * 20, "linear", None),
        (["linear"] * 10 + ["trees"] * 10, "linear", None),
        (["linear"] * 20, None, "victim's lineage is not stated"),
        ([None] * 20, "linear", "0 references have the victim's lineage, linear"),
        (
            ["linear"] * 4 + ["trees"] * 16,
            "linear",
            "4 references have the victim's lineage, linear",
        ),
    ],
)
def test_by_rank_an_accusation_takes_references_of_the_victims_lineage(
    lineages: list[str | None], own: str | None, said: str | None
) -> None:
    result = audited(lineages, own, **BY_RANK)
    assert result.p_value == result.false_positive_rate == 1 / 21
    if said is None:
        assert result.verdict is Verdict.DERIVED
        assert not result.findings
        assert "at most 4.8% of the time" in result.sentence
    else:
        assert result.verdict is Verdict.INCONCLUSIVE
        assert said in result.findings[0]
        assert "Enroll with" in result.findings[0]


def test_by_rank_an_accusation_takes_a_close_rank_in_every_possible_lineage() -> None:
    """The references that are closest are made the only ones of their lineage."""
    plain = audited(["linear"] * 20, "linear", **BY_RANK)
    closest = sorted(range(20), key=lambda i: plain.references[i].score)
    lineages: list[str | None] = ["near" if i in closest[:6] else "linear" for i in range(20)]
    result = audited(lineages, "linear", **BY_RANK)
    assert [one.references for one in result.lineages] == [14, 6]
    assert [one.p_value for one in result.lineages] == [1 / 15, 1 / 7]
    assert result.lineage_rate == 1 / 7
    known = audited(lineages, "linear", "linear", **BY_RANK)
    assert known.lineage_rate == 1 / 15
    assert "stated to be linear" in known.assumptions[0]


def test_a_stated_lineage_that_no_reference_is_of_matters_to_ranks_only(fingerprint: Any) -> None:
    thief = world.as_digits(world.thief(), name="thief", lineage="lineer")
    result = fingerprint.audit(thief, **BY_RANK)
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "lineer (they have lda, linear" in result.findings[0]
    assert fingerprint.audit(thief).verdict is Verdict.DERIVED


def test_close_to_innocents_of_any_lineage_is_not_enough(fingerprint: Any) -> None:
    """Closer than all, with too large a p-value; and a small one, with a reference closer."""
    thief = world.as_digits(world.thief(), name="thief")
    p = fingerprint.audit(thief).p_value
    strict = fingerprint.audit(thief, alpha=p / 2)
    assert (strict.verdict, strict.as_close, strict.p_value) == (Verdict.INCONCLUSIVE, 0, p)
    assert "closer to victim than all 20" in strict.sentence
    assert f"close {percent(p)} of the time" in strict.sentence
    assert f"a derived verdict needs {percent(p / 2)} or less." in strict.sentence
    near = with_a_copy()
    assert "than 1 of 20 independent models" in near.sentence
    assert "it to be closer than all of them" in near.sentence


def with_a_copy() -> Result:
    """An audit of a thief where one reference of twenty is nearly the victim."""
    near = world.victim().coef_ + np.random.default_rng(0).normal(0, 0.01, (10, 64))
    references = world.references(20)
    references[7] = world.as_digits(
        lambda x: x.reshape(len(x), -1) @ near.T + world.victim().intercept_,
        name="copy",
        lineage=world.lineage_of(7),
    )
    own = world.as_digits(world.victim(), lineage="linear")
    made = Fingerprint.enroll(own, world.image_set(), references, n=40, start="random")
    result = made.audit(world.as_digits(world.thief(), name="thief"), alpha=0.3)
    assert result.p_value <= result.alpha
    assert (result.as_close, result.verdict) == (1, Verdict.INCONCLUSIVE)
    return result


@pytest.mark.parametrize("alpha", [0.0004, 0.001, 0.01, 0.2])
def test_derived_begins_at_the_dashed_line(fingerprint: Any, alpha: float) -> None:
    result = fingerprint.audit(world.as_digits(world.thief()), alpha=alpha)
    numbers = [one.score for one in result.references]
    lineages = [one.lineage for one in result.references]

    line, own = result.threshold, result.victim.lineage
    assert called(line - 1e-9, numbers, lineages, own, alpha)
    assert not called(line + 1e-9, numbers, lineages, own, alpha)
    assert (result.verdict is Verdict.DERIVED) == (result.score < line)


def test_looks_share_alpha_and_replay_to_the_same_result(tmp_path: Path) -> None:
    made = world.fingerprint_of_digits(n=100)
    thief = world.as_digits(world.thief(), name="thief")
    first = made.audit_with_answers(thief, stop_early=True)
    result = first.result
    assert (result.verdict, result.looks) == (Verdict.DERIVED, (1, 5))
    assert result.level == pytest.approx(result.alpha / 10)
    assert result.p_value <= result.level
    assert result.score < result.threshold
    write_audit(made.bundle, first, tmp_path / "audit")
    assert read_audit(made.bundle, made.seal, tmp_path / "audit").result == result
    assert not differing(result, replay(made.bundle, result, first.recorded))

    p = made.audit(thief).p_value
    missed = made.audit(thief, alpha=1.5 * p, stop_early=True, repeats=0)
    assert (missed.verdict, missed.looks, missed.queries) == (Verdict.INCONCLUSIVE, (5, 5), 100)
    assert missed.p_value == p <= missed.alpha
    assert f"a derived verdict needs {percent(1.5 * p * 0.6)} or less." in missed.sentence
    assert missed.findings == []
    assert missed.score > missed.threshold
    assert made.audit(thief, alpha=1.5 * p).verdict is Verdict.DERIVED


def test_references_of_one_lineage_predict_for_that_lineage_alone() -> None:
    with pytest.raises(BirthmarkError, match="enroll references of at least two lineages"):
        audited(["linear"] * 20, "trees")
    alike = audited(["linear"] * 20, "linear")
    assert alike.prediction is not None
    assert alike.prediction.lineage == "own"
    assert alike.prediction.degrees > 19
    two = audited(["linear", "trees"], "linear")
    assert two.prediction is not None
    assert two.prediction.lineage == "unseen"
    assert two.verdict is not Verdict.DERIVED
    assert "1 of the references that count has the victim's lineage" in " ".join(two.findings)


def test_a_rule_may_be_named_by_its_word(fingerprint: Any) -> None:
    thief = world.as_digits(world.thief(), name="thief")
    named = fingerprint.audit(thief, rule="rank", alpha=0.05)
    assert named == fingerprint.audit(thief, **BY_RANK)
    with pytest.raises(BirthmarkError, match="rule: is 'rink'; pass unseen or rank"):
        fingerprint.audit(thief, rule="rink")
