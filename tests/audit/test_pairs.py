"""A service that only compares two images is audited by as few pairs as there can be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import world
from birthmark import BirthmarkError, Fingerprint, Kind, Suspect, Verdict, as_suspect
from birthmark.audit.audit import Audited
from birthmark.audit.pairs import PairPlan, bound
from birthmark.data.images import Image, Progress, silent
from birthmark.models.adapters.base import Answered, DryRun, PairSuspect
from birthmark.models.queries import ask
from birthmark.report.folder import write_audit
from birthmark.scores.methods import method
from pairs_world import METHOD, TOLD, Comparing, M, Related, audited, embedding, fingerprint


class RemoteRelated(Related):
    """Refuses two images."""

    def answer_some(self, images: Sequence[Image], progress: Progress) -> Answered:  # noqa: ARG002
        refused = {place: "no face" for place in (1, 3) if place < len(images)}
        kept = [image for place, image in enumerate(images) if place not in refused]
        return Answered(self.answer(kept), refused)

    def again(self, time: int) -> RemoteRelated:  # noqa: ARG002
        return RemoteRelated(self.service, self.references)

    def dry_run(self, images: Sequence[Image]) -> DryRun:
        calls = len(images) * len(self.references)
        return DryRun(calls=calls, known=0, cost=0, least_seconds=0, example="POST")


@pytest.mark.parametrize("told", TOLD)
def test_a_thief_is_found_by_as_few_pairs_as_there_can_be(told: str) -> None:
    own = fingerprint()
    thief = Comparing(world.thief(), TOLD[told])
    assert isinstance(thief, PairSuspect)
    result = own.audit(thief, repeats=0)
    assert result.verdict is Verdict.DERIVED
    assert result.compared_as is Kind.SIMILARITIES
    assert any("how alike each probe is to the first 6" in s for s in result.findings)
    names = [probe.name for probe in own.probes]
    assert len(thief.asked) == PairPlan(60, M).pairs == 54 * M
    assert set(thief.asked) == {(a, b) for a in names[M:] for b in names[:M]}


@pytest.mark.parametrize("told", TOLD)
def test_an_innocent_is_not_accused_by_pairs(told: str) -> None:
    innocent = Comparing(world.trained(slice(303, 603)), TOLD[told])
    assert fingerprint().audit(innocent).p_value > 0.05


def test_cosines_and_embeddings_give_the_same_rank() -> None:
    own = fingerprint()
    by_pairs = own.audit(Comparing(world.thief(), TOLD["similarities"]))
    by_points = own.audit(embedding(world.thief()))
    assert by_points.compared_as is Kind.EMBEDDINGS
    assert by_pairs.p_value == pytest.approx(by_points.p_value, rel=1e-4)
    assert by_pairs.score == pytest.approx(by_points.score, abs=1e-5)


@pytest.mark.parametrize("form", ["safetensors", "npz", "csv", "csv of the others"])
def test_recorded_similarities_are_read_again(form: str, tmp_path: Path) -> None:
    again = recorded(fingerprint(), audited(), form, tmp_path)
    assert ask(again, fingerprint().probes).digest == audited().result.answers


def test_recorded_similarities_are_audited_again(tmp_path: Path) -> None:
    again = recorded(fingerprint(), audited(), "csv of the others", tmp_path)
    result = fingerprint().audit(again)
    assert result.verdict is audited().result.verdict is Verdict.DERIVED
    assert result.score == audited().result.score


def recorded(own: Fingerprint, done: Audited, form: str, folder: Path) -> Suspect:
    values = done.answers.values
    names = [probe.name for probe in own.probes[: len(values)]]
    if form == "safetensors":
        write_audit(own.bundle, done, folder / "out")
        return as_suspect(folder / "out" / "answers.safetensors", lineage="linear")
    if form == "npz":
        np.savez(folder / "a.npz", values=values)
        return as_suspect(folder / "a.npz", {"output": "similarities"}, lineage="linear")
    first = M if form == "csv of the others" else 0
    rows = [["probe", *(f"r{i}" for i in range(M))]]
    rows += [
        [name, *map(str, row)] for name, row in zip(names[first:], values[first:], strict=True)
    ]
    (folder / "a.csv").write_text("\n".join(map(",".join, rows)))
    return as_suspect(folder / "a.csv", {"output": "similarities"}, lineage="linear")


def test_an_audit_of_pairs_may_stop_early_and_be_repeated(tmp_path: Path) -> None:
    own = fingerprint()
    service = Comparing(world.thief(), TOLD["similarities"])
    early = own.audit_with_answers(service, alpha=0.05, stop_early=True, repeats=0)
    assert early.result.verdict is Verdict.DERIVED
    assert len(service.asked) == (early.result.queries - M) * M
    told = recorded(own, early, "csv of the others", tmp_path)
    again = own.audit(told, alpha=0.05, stop_early=True)
    assert again.looks == early.result.looks
    assert again.score == early.result.score


def test_a_method_that_takes_no_pairs_is_refused_before_any_call(tmp_path: Path) -> None:
    service = Comparing(world.thief(), TOLD["similarities"])
    own = fingerprint("sac-jc")
    with pytest.raises(BirthmarkError, match="method='fri20-centred-partial"):
        own.audit(service)
    assert service.asked == []
    np.savez(tmp_path / "a.npz", values=np.random.default_rng(0).normal(size=(60, M)))
    told = as_suspect(tmp_path / "a.npz", {"output": "similarities"})
    with pytest.raises(BirthmarkError, match="method='fri20-centred-partial"):
        own.audit(told)


def test_a_remote_service_keeps_what_a_remote_suspect_can() -> None:
    own = fingerprint()
    service = Comparing(world.thief(), TOLD["similarities"])
    service.against = lambda references: RemoteRelated(service, references)  # type: ignore[method-assign]
    suspect: Any = bound(service, own.probes, method(METHOD).score)
    assert suspect.dry_run(own.probes).calls == 54 * M
    assert service.asked == []
    again = Comparing(world.thief(), TOLD["similarities"])
    whole = ask(bound(again, own.probes, method(METHOD).score), own.probes)
    for one in (suspect, suspect.again(1)):
        some = one.answer_some(own.probes, silent)
        assert set(some.refused) == {M + 1, M + 3}
        kept = [i for i in range(60) if i not in some.refused]
        assert np.allclose(some.outputs.values, whole.values[kept], atol=1e-5)
    assert len(suspect.answer_some(own.probes[:M], silent).outputs) == M
