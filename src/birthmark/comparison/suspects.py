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
from birthmark.models.adapters.lookup import listed, open_all, open_listed
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
        if _was_audited(name):
            suspects.append(_audited(Path(name)))
        else:
            suspects += open_all([name], declared, access, Unopened)
    failures = [one for one in suspects if isinstance(one, Unopened)]
    if failures and len(failures) == len(suspects):
        raise failures[0].error
    return suspects


def listed_suspects(names: Sequence[str]) -> list[tuple[str, str | None]]:
    """All that these name, one by one, and the sub-folder of a folder of models; none is opened.

    Raises
    ------
    BirthmarkError
        If a folder holds no model.
    """
    return [
        one for name in names for one in ([(name, None)] if _was_audited(name) else listed([name]))
    ]


def open_one(
    name: str, lineage: str | None, declared: dict[str, Any] | None, access: Access | None
) -> Suspect:
    """Open one of those that `listed_suspects` lists.

    Raises
    ------
    BirthmarkError
        If it cannot be opened.
    """
    if _was_audited(name):
        return _audited(Path(name))
    return open_listed(name, lineage, declared, access)


def _was_audited(name: str) -> bool:
    return (Path(name) / "result.json").is_file()


def _audited(folder: Path) -> RecordedSuspect:
    audited = read_result(folder / "result.json").suspect
    answers = RecordedSuspect(folder / "answers.safetensors", {}, audited.lineage)
    answers.description = answers.description.model_copy(update={"name": audited.name})
    return answers
