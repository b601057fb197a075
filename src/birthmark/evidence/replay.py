"""Repeating an audit from the answers that were given."""

from __future__ import annotations

import math
from collections.abc import Sequence

from birthmark.audit.answers import Recorded
from birthmark.audit.audit import audit
from birthmark.audit.result import Result
from birthmark.bundle import Bundle
from birthmark.common.errors import BirthmarkError
from birthmark.data.images import Image, Progress, silent
from birthmark.data.outputs import Outputs
from birthmark.models.adapters import Description
from birthmark.models.adapters.base import Answered
from birthmark.witnesses.joined import with_witnesses

COMPUTED_BY = {"libraries", "ledger"}
"""Say who computed a result and where answers are kept, not what came out."""
OF_A_VERSION = {"findings", "assumptions", "strength", "power"}
"""Sentences, and what a version's own tables say: another may say them otherwise."""


class Replayed:
    """A suspect that gives the answers that it gave.

    Parameters
    ----------
    description
        Of the suspect, as the result has it.
    probes
        What it was asked.
    recorded
        What it answered to these, in their order.
    """

    batch: int | None = None

    def __init__(
        self, description: Description, probes: Sequence[Image], recorded: Recorded
    ) -> None:
        given = recorded.given
        self.description = description
        self.unprotected = recorded.ran.unprotected
        self.beside = recorded.ran.beside
        self._place = {probe.digest: place for place, probe in enumerate(probes)}
        self._row = {place: row for row, place in enumerate(given.places)}
        self._given = given

    def answer(self, images: Sequence[Image]) -> Outputs:
        """The answers to these probes, of which none was refused."""
        return self.answer_some(images).outputs

    def answer_some(
        self,
        images: Sequence[Image],
        progress: Progress = silent,  # noqa: ARG002
    ) -> Answered:
        """The answers to these probes, and which were refused.

        Raises
        ------
        BirthmarkError
            If one was not asked.
        """
        given = self._given
        try:
            places = [self._place[image.digest] for image in images]
        except KeyError as error:
            raise BirthmarkError(
                self.description.name, "was not asked all of these probes", "get an unaltered copy"
            ) from error
        refused = {i: given.refused[p] for i, p in enumerate(places) if p in given.refused}
        rows = [self._row[place] for place in places if place not in given.refused]
        return Answered(given.outputs.at(rows), refused)


def replay(bundle: Bundle, result: Result, recorded: Recorded) -> Result:
    """Compute a result again, from the answers to the probes.

    What other witnesses said is taken over, since it takes files and images that are not here; the
    verdict of all together is drawn from it again.

    Parameters
    ----------
    bundle
        The fingerprint.
    result
        What came out; its options are used again.
    recorded
        What the suspect answered.

    Raises
    ------
    BirthmarkError
        If the answers do not lead to a result.
    """
    given = recorded.given
    again = audit(
        bundle,
        Replayed(result.suspect, bundle.probes[: given.asked], recorded),
        alpha=result.alpha,
        independent_above=result.independent_above,
        rule=result.rule,
        stop_early=result.looks is not None,
        again=recorded.again,
        seal=result.fingerprint,
    )
    return with_witnesses(again.result, result.witnesses, result.joint)


def differing(before: Result, after: Result, close: float = 0.0) -> list[str]:
    """The fields in which two results differ, but for the versions that computed them.

    Sentences, strength and power count only where one version of Birthmark wrote both.

    Parameters
    ----------
    before, after
        The results.
    close
        By how much numbers may differ, relatively or absolutely: another machine may compute other
        last digits.
    """
    old, new = before.model_dump(mode="json"), after.model_dump(mode="json")
    left_out = COMPUTED_BY if of_one_version(before, after) else COMPUTED_BY | OF_A_VERSION
    return [
        name for name in old if name not in left_out and not _alike(old[name], new[name], close)
    ]


def of_one_version(before: Result, after: Result) -> bool:
    """Whether one version of Birthmark wrote both results."""
    return before.libraries.get("birthmark") == after.libraries.get("birthmark")


def _alike(one: object, other: object, close: float) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(
            _alike(one[key], other[key], close) for key in one
        )
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(
            _alike(mine, theirs, close) for mine, theirs in zip(one, other, strict=True)
        )
    if close and isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=close, abs_tol=close)
    return one == other
