"""Evasive suspects are noticed, and what that does to the verdict; honest ones are not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

import evasive
import world
from birthmark import BirthmarkError, Fingerprint, Verdict, as_suspect
from birthmark.audit.evasion import CHECKS
from birthmark.data.outputs import Kind, Outputs
from birthmark.models.adapters import Suspect
from birthmark.report.folder import write_audit

DERIVED, INDEPENDENT, INCONCLUSIVE = Verdict.DERIVED, Verdict.INDEPENDENT, Verdict.INCONCLUSIVE
Made = Callable[[Any], Suspect]


def local(change: evasive.Change, output: str = "probabilities") -> Made:
    return lambda model: evasive.changing(model, change, output)


def remote(**options: Any) -> Made:
    return lambda model: evasive.Remote(world.as_digits(model), **options)


EVASIVE: dict[str, tuple[Made, str, str, Verdict, Verdict]] = {
    "noise": (
        local(evasive.noisy(0.1)),
        "noise",
        "adds noise, or its answers are partly random",
        DERIVED,
        INCONCLUSIVE,
    ),
    "drift": (
        local(evasive.drifting(40)),
        "drift",
        "Between the beginning and the end of the audit",
        INCONCLUSIVE,
        INCONCLUSIVE,
    ),
    "rounding": (
        local(lambda told, _: np.round(told, 2)),
        "rounded or cut",
        "rounds to 2 digits",
        DERIVED,
        INDEPENDENT,
    ),
    "largest": (
        local(evasive.largest),
        "rounded or cut",
        "gives only the largest number",
        DERIVED,
        INDEPENDENT,
    ),
    "flat": (
        local(evasive.heated(8)),
        "temperature",
        "far flatter than those of the victim",
        DERIVED,
        INCONCLUSIVE,
    ),
    "sharp": (
        local(evasive.heated(0.05)),
        "temperature",
        "far sharper than those of the victim",
        DERIVED,
        INCONCLUSIVE,
    ),
    "constant": (
        local(lambda told, _: np.tile(np.eye(10)[3], (len(told), 1))),
        "constant",
        "gave all 40 probes the same answer",
        INCONCLUSIVE,
        INCONCLUSIVE,
    ),
    "partly constant": (
        local(evasive.blank(2)),
        "partly constant",
        "one and the same answer to",
        INCONCLUSIVE,
        INCONCLUSIVE,
    ),
    "refuses one": (
        remote(refuses=lambda image, _: "no faces" if evasive.number(image) == 5 else None),
        "refused",
        "refused 1 of 40 probes (the first with: no faces); 39 were compared.",
        DERIVED,
        INDEPENDENT,
    ),
    "refuses many": (
        remote(refuses=lambda image, _: "no" if evasive.number(image) % 3 == 1 else None),
        "refused",
        "refused 13 of 40 probes (the first with: no); 27 were compared. That is more than 5%",
        INCONCLUSIVE,
        INCONCLUSIVE,
    ),
    "refuses repeats": (
        remote(refuses=lambda _, time: "known" if time else None),
        "noise",
        "refused 4 probes that it had answered before (at once)",
        DERIVED,
        INCONCLUSIVE,
    ),
    "treats jpeg apart": (
        remote(changes=evasive.by_jpeg),
        "png",
        "When the same pixels were sent as PNG",
        DERIVED,
        INCONCLUSIVE,
    ),
}


@pytest.mark.parametrize("case", EVASIVE)
def test_an_evasive_suspect_is_noticed(fingerprint: Any, case: str) -> None:
    made, check, said, of_thief, of_innocent = EVASIVE[case]
    for model, verdict in ((world.thief(), of_thief), (world.innocent(25), of_innocent)):
        result = fingerprint.audit(made(model), independent_above=0.05)
        assert any(said in finding for finding in result.findings), result.findings
        assert check in [one.name for one in result.checks if one.noticed]
        assert result.verdict is verdict


HONEST: dict[str, Callable[[], Suspect]] = {
    "logits": lambda: world.as_digits(world.innocent(25)),
    "probabilities": lambda: evasive.changing(world.innocent(25), lambda told, _: told),
    "labels": lambda: evasive.changing(
        world.innocent(25), lambda told, _: told.argmax(axis=1), "labels"
    ),
    "float jitter": lambda: evasive.changing(world.innocent(25), evasive.noisy(1e-5)),
    "single precision": lambda: evasive.changing(
        world.innocent(25), lambda told, _: told.astype(np.float16).astype(np.float32)
    ),
    "remote": lambda: evasive.Remote(world.as_digits(world.innocent(25))),
    "thief": lambda: world.as_digits(world.thief()),
}


@pytest.mark.parametrize("case", HONEST)
def test_an_honest_suspect_is_not(fingerprint: Any, case: str) -> None:
    result = fingerprint.audit(HONEST[case]())
    assert result.findings == []
    assert not any(check.noticed for check in result.checks)
    assert len(result.checks) == len(CHECKS)
    assert not any("not checked: no probe" in text for text in result.assumptions)


def test_an_onnx_file_is_not(built: world.World, fingerprint: Any) -> None:
    for name in ("suspect.onnx", "other.onnx"):
        assert fingerprint.audit(built.folder / name).findings == []


def test_a_remote_suspect_is_asked_once_and_a_few_probes_again(fingerprint: Any) -> None:
    suspect = evasive.Remote(world.as_digits(world.thief()))
    result = fingerprint.audit(suspect, repeats=3)
    assert result.queries == 40
    assert result.repeated == 9
    assert len(suspect.asked) == len(set(suspect.asked)) == 49
    assert [sum(time == t for _, time in suspect.asked) for t in (0, 1, 2)] == [43, 3, 3]
    again = fingerprint.audit(suspect, repeats=3)
    assert len(suspect.asked) == 49
    assert again == result


def test_repeats_can_be_left_out(fingerprint: Any) -> None:
    suspect = evasive.Remote(world.as_digits(world.thief()))
    result = fingerprint.audit(suspect, repeats=0)
    assert (result.repeated, len(suspect.asked)) == (0, 40)
    assert "This was not checked, since no probe was asked again" in result.assumptions[-1]
    with pytest.raises(BirthmarkError, match="repeats: is -1"):
        fingerprint.audit(suspect, repeats=-1)


def test_an_api_that_fails_to_answer_again_is_not_cleared(fingerprint: Any) -> None:
    def failing(_: Any, time: int) -> str | None:
        if time:
            raise BirthmarkError("remote", "has no more calls", "raise --max-calls")
        return None

    suspect = evasive.Remote(world.as_digits(world.innocent(25)), refuses=failing)
    result = fingerprint.audit(suspect, independent_above=0.05)
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "could not be asked again at once (remote: has no more calls" in result.findings[0]


@pytest.mark.parametrize("output", [Kind.PROBABILITIES, Kind.LABELS])
def test_labels_that_change_are_noise(fingerprint: Any, output: Kind) -> None:
    flips = evasive.changing(
        world.innocent(25),
        lambda told, before: (
            np.roll(told, before, axis=1)
            if output is Kind.PROBABILITIES
            else np.roll(told, before, axis=1).argmax(axis=1)
        ),
        output,
    )
    checks = {one.name: one for one in fingerprint.audit(flips).checks}
    assert checks["noise"].noticed
    assert checks["drift"].noticed is None


def test_the_victims_service_behind_another_door_is_noticed(fingerprint: Any) -> None:
    result = fingerprint.audit(world.as_digits(world.victim()))
    assert result.verdict is Verdict.DERIVED
    assert "it passes what it is asked on to the victim's service" in result.findings[0]
    reference = fingerprint.audit(world.as_digits(world.innocent(4)), independent_above=0.05)
    assert reference.verdict is Verdict.INCONCLUSIVE
    assert "are those of the reference innocent-4" in reference.findings[0]


def refusing_some() -> evasive.Remote:
    return evasive.Remote(
        world.as_digits(world.thief()),
        refuses=lambda image, _: "no" if evasive.number(image) in (7, 39) else None,
    )


@pytest.mark.parametrize("stop_early", [False, True])
def test_an_audit_with_refusals_can_be_repeated(
    fingerprint: Any, tmp_path: Path, stop_early: bool
) -> None:
    audited = fingerprint.audit_with_answers(refusing_some(), stop_early=stop_early)
    result = audited.result
    assert result.refused == len(audited.refused) > 0
    assert result.queries == len(audited.answers) + result.refused
    write_audit(fingerprint.bundle, audited, tmp_path / "audit")
    file = tmp_path / "audit" / "answers.safetensors"
    assert load_file(file)["refused"].tolist() == [i for i in (7, 39) if i < result.queries]
    again = fingerprint.audit(file, stop_early=stop_early)
    assert (again.verdict, again.p_value, again.score) == (
        result.verdict,
        result.p_value,
        result.score,
    )
    assert (again.queries, again.refused, again.looks) == (
        result.queries,
        result.refused,
        result.looks,
    )
    assert again.answers == result.answers


def test_the_score_is_that_of_the_probes_that_were_answered(fingerprint: Any) -> None:
    bundle = fingerprint.bundle
    places = [i for i in range(40) if i not in (7, 39)]
    some = bundle.subset(places)
    records = [bundle.manifest.probes[i] for i in places]
    some = Fingerprint(replace(some, manifest=some.manifest.model_copy(update={"probes": records})))
    partly, whole = fingerprint.audit(refusing_some()), some.audit(world.as_digits(world.thief()))
    assert partly.score == pytest.approx(whole.score, rel=1e-4)
    assert partly.p_value == pytest.approx(whole.p_value, rel=1e-4)


@pytest.mark.parametrize("stop_early", [False, True])
def test_who_refuses_all_is_told_so(fingerprint: Any, stop_early: bool) -> None:
    suspect = evasive.Remote(world.as_digits(world.thief()), refuses=lambda *_: "closed")
    with pytest.raises(BirthmarkError, match=r"40 of 40 probes were refused, first 00000\.jpg"):
        fingerprint.audit(suspect, stop_early=stop_early)


def test_early_refusals_do_not_end_an_audit(fingerprint: Any) -> None:
    suspect = evasive.Remote(
        world.as_digits(world.thief()),
        refuses=lambda image, _: "busy" if evasive.number(image) < 20 else None,
    )
    result = fingerprint.audit(suspect, stop_early=True)
    assert (result.refused, result.verdict) == (20, Verdict.INCONCLUSIVE)
    assert result.queries > 20


def test_pairs_are_left_out_together() -> None:
    made = world.fingerprint_of_digits(method="ddv@natural", models=19)
    suspect = evasive.Remote(
        world.as_digits(world.innocent(25)),
        refuses=lambda image, _: "no" if evasive.number(image) == 7 else None,
    )
    assert "refused 1 of 40 probes (the first with: no); 38 were" in made.audit(suspect).findings[0]


def embedding(seed: int) -> Suspect:
    """Even and odd seeds are of two lineages."""
    weights = np.random.default_rng(seed).normal(size=(64, 12))
    return as_suspect(
        lambda x: np.tanh(x.reshape(len(x), -1) @ weights),
        world.DECLARED | {"output": "embeddings"},
        lineage=f"{seed % 2}",
    )


@pytest.mark.parametrize(("missing", "said"), [(3, "first 00003.jpg (no), a ref"), (12, None)])
def test_reference_images_cannot_be_missing(missing: int, said: str | None) -> None:
    made = Fingerprint.enroll(
        embedding(0),
        world.image_set(),
        [embedding(i) for i in range(1, 20)],
        n=30,
        method="fri10-centred-sac-cosine-l1@jpeg25",
    )
    suspect = evasive.Remote(
        embedding(30), refuses=lambda image, _: "no" if evasive.number(image) == missing else None
    )
    if said is None:
        assert made.audit(suspect).refused == 1
        return
    with pytest.raises(BirthmarkError) as error:
        made.audit(suspect)
    assert said in str(error.value)


def test_the_owners_own_model_may_not_refuse_or_be_constant() -> None:
    refusing = evasive.Remote(world.as_digits(world.victim()), refuses=lambda *_: "no")
    constant = world.answering(lambda x: np.ones((len(x), 10)))
    references = [world.as_digits(world.innocent(0))]
    with pytest.raises(BirthmarkError, match=r"refused 40 of 40 images, first .*: no"):
        Fingerprint.enroll(refusing, world.image_set(), references, n=40)
    with pytest.raises(BirthmarkError, match="gave all 40 images the same answer"):
        Fingerprint.enroll(constant, world.image_set(), references, n=40)


def test_a_result_of_an_earlier_version_is_read(fingerprint: Any) -> None:
    result = fingerprint.audit(world.as_digits(world.thief()))
    fields = result.model_dump(mode="json")
    for name in ("checks", "refused", "repeated"):
        del fields[name]
    read = type(result).model_validate(fields)
    assert (read.checks, read.refused, read.repeated) == ([], 0, 0)


def test_recorded_answers_state_what_was_refused(fingerprint: Any, tmp_path: Path) -> None:
    suspect = world.as_digits(world.thief())
    values = suspect.answer(fingerprint.probes).values
    head = ",".join(["probe", *(str(i) for i in range(10))])
    lines = [
        ",".join([probe.name, *(["" for _ in row] if i == 4 else map(repr, row.tolist()))])
        for i, (probe, row) in enumerate(zip(fingerprint.probes, values, strict=True))
    ]
    csv = tmp_path / "answers.csv"
    csv.write_text("\n".join([head, *lines]))
    npz = tmp_path / "answers.npz"
    kept = np.delete(values, 4, axis=0)
    np.savez(npz, values=kept, kind="logits", refused=np.array([4]))
    found = [
        fingerprint.audit(csv, declared={"output": "logits"}),
        fingerprint.audit(npz),
    ]
    for result in found:
        assert result.refused == 1
        assert "recorded as refused" in result.findings[0]
        assert "This was not checked, since no probe was asked again" in result.assumptions[-1]
    assert found[0].score == found[1].score
    for bad in (np.array([40]), np.array([4, 4]), np.array([0.5]), np.array([[4]])):
        np.savez(npz, values=kept, kind="logits", refused=bad)
        with pytest.raises(BirthmarkError, match="refused probes that are not positions"):
            fingerprint.audit(npz)


def test_outputs_of_no_images_do_not_matter() -> None:
    from birthmark.models.adapters.base import Answered
    from birthmark.models.queries import together

    some = Outputs(np.ones((2, 10), np.float32), Kind.LOGITS, 10)
    none = Outputs(np.zeros((0, 0), np.float32), Kind.LOGITS, 0)
    whole = together("x", [Answered(none, {0: "a"}), Answered(some, {1: "b"}), Answered(some)])
    assert whole.asked == 6
    assert whole.places == [1, 3, 4, 5]
    assert whole.refused == {0: "a", 2: "b"}
