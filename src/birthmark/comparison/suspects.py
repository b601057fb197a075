"""Suspects by what a user names: models, folders of models, folders that audits left."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from birthmark.common.errors import BirthmarkError
from birthmark.data.images import Image
from birthmark.data.outputs import Kind, Outputs
from birthmark.evidence.folder import read_result
from birthmark.models.adapters import Description, Suspect
from birthmark.models.adapters.lookup import open_all
from birthmark.models.adapters.recorded import RecordedSuspect
from birthmark.models.remote import Access


class Unopened:
    """A file that could not be opened as a model; the others are compared nonetheless."""

    batch: int | None = None

    def __init__(self, file: Path, error: BirthmarkError) -> None:
        self.description = Description(name=file.name, adapter="none", output=Kind.LABELS)
        self.error = error

    def answer(self, images: Sequence[Image]) -> Outputs:  # noqa: ARG002
        """Say why it could not.

        Raises
        ------
        BirthmarkError
            Always.
        """
        raise self.error


def open_suspects(
    names: Sequence[str], declared: dict[str, Any] | None = None, access: Access | None = None
) -> list[Suspect]:
    """Open them, in order; what an audit left goes by the name and lineage of its suspect.

    Of several, a file that is no model is kept as `Unopened`.

    Raises
    ------
    BirthmarkError
        If one does not exist, or none can be opened.
    """
    suspects: list[Suspect] = []
    for name in names:
        folder = Path(name)
        if (folder / "result.json").is_file():
            suspects.append(_audited(folder))
        else:
            suspects += open_all([name], declared, access, Unopened)
    failures = [one for one in suspects if isinstance(one, Unopened)]
    if failures and len(failures) == len(suspects):
        raise failures[0].error
    return suspects


def _audited(folder: Path) -> RecordedSuspect:
    audited = read_result(folder / "result.json").suspect
    answers = RecordedSuspect(folder / "answers.safetensors", {}, audited.lineage)
    answers.description = answers.description.model_copy(update={"name": audited.name})
    return answers
