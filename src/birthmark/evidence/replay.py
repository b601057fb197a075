"""Repeating an audit from the answers that were given."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from birthmark.audit import audit
from birthmark.bundle import Bundle
from birthmark.errors import BirthmarkError
from birthmark.images import Image
from birthmark.outputs import Outputs
from birthmark.result import Result
from birthmark.suspects import Description
from birthmark.suspects.recorded import RecordedSuspect

COMPUTED_BY = {"libraries"}
"""Says who computed a result, not what came out."""


class Replayed:
    """A suspect that gives the answers that it gave.

    Parameters
    ----------
    description
        Of the suspect, as the result has it.
    probes
        What it was asked.
    answers
        To these, in their order.
    """

    batch: int | None = None

    def __init__(self, description: Description, probes: Sequence[Image], answers: Outputs) -> None:
        self.description = description
        self._row = {probe.digest: row for row, probe in enumerate(probes)}
        self._answers = answers

    def answer(self, images: Sequence[Image]) -> Outputs:
        """The answers to these probes.

        Raises
        ------
        BirthmarkError
            If one was not asked.
        """
        try:
            rows = [self._row[image.digest] for image in images]
        except KeyError as error:
            raise BirthmarkError(
                self.description.name, "was not asked all of that", "get an unaltered copy"
            ) from error
        answers = self._answers
        return Outputs(answers.values[rows], answers.kind, answers.classes)


def read_answers(data: bytes) -> Outputs:
    """The answers in the bytes of an `answers.safetensors`.

    Raises
    ------
    BirthmarkError
        If there are none.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "answers.safetensors"
        file.write_bytes(data)
        return RecordedSuspect(file, {}).outputs


def replay(bundle: Bundle, result: Result, answers: Outputs) -> Result:
    """Compute a result again.

    Parameters
    ----------
    bundle
        The fingerprint.
    result
        What came out; its options are used again.
    answers
        The suspect's.

    Raises
    ------
    BirthmarkError
        If the answers do not lead to a result.
    """
    probes = bundle.probes[: len(answers)]
    again = audit(
        bundle,
        Replayed(result.suspect, probes, answers),
        alpha=result.alpha,
        independent_above=result.independent_above,
        stop_early=result.looks is not None,
        seal=result.fingerprint,
    )
    return again.result


def differing(before: Result, after: Result) -> list[str]:
    """The fields in which two results differ, but for the versions that computed them."""
    old, new = before.model_dump(mode="json"), after.model_dump(mode="json")
    return [name for name in old if name not in COMPUTED_BY and old[name] != new[name]]
