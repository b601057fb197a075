"""Suspects by what a user names: models, folders of models, folders that audits left."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from birthmark.evidence.folder import read_result
from birthmark.remote import Access
from birthmark.suspects import Suspect
from birthmark.suspects.finding import open_all
from birthmark.suspects.recorded import RecordedSuspect


def open_suspects(
    names: Sequence[str], declared: dict[str, Any], access: Access | None = None
) -> list[Suspect]:
    """Open them, in order; what an audit left goes by the name and family of its suspect.

    Raises
    ------
    BirthmarkError
        If one is no such thing.
    """
    suspects: list[Suspect] = []
    for name in names:
        folder = Path(name)
        if (folder / "result.json").is_file():
            suspects.append(_audited(folder))
        else:
            suspects += open_all([name], declared, access)
    return suspects


def _audited(folder: Path) -> RecordedSuspect:
    audited = read_result(folder / "result.json").suspect
    answers = RecordedSuspect(folder / "answers.safetensors", {}, audited.family)
    answers.description = answers.description.model_copy(update={"name": audited.name})
    return answers
