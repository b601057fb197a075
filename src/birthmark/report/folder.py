"""The folder that an audit leaves behind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from birthmark.audit import Audited
from birthmark.bundle import Bundle
from birthmark.errors import BirthmarkError
from birthmark.evidence.folder import read_result
from birthmark.evidence.replay import replay
from birthmark.files import read_bytes, whole_file, whole_folder
from birthmark.recording import answers_bytes, read_answers
from birthmark.report.html import render_report, require_of_one
from birthmark.report.pdf import pdf_of

AGAIN = "audit again"
CLOSE = 1e-6
"""How far, relatively, distances may differ from those of another machine."""


def write_audit(bundle: Bundle, audited: Audited, out: Path, *, pdf: bool = False) -> None:
    """Write `result.json`, `answers.safetensors` and `report.html` into a new folder.

    Parameters
    ----------
    bundle
        The fingerprint.
    audited
        The audit.
    out
        The folder.
    pdf
        Whether to write `report.pdf` too.

    Raises
    ------
    BirthmarkError
        If it holds something already, or can't be written; nothing is left then. If a PDF is
        wanted and WeasyPrint is not there.
    """
    result = audited.result
    report = _rendered(bundle, audited)
    with whole_folder(out) as folder:
        (folder / "result.json").write_text(result.model_dump_json(indent=2) + "\n", "utf-8")
        (folder / "answers.safetensors").write_bytes(answers_bytes(audited.recorded))
        (folder / "report.html").write_text(report, "utf-8")
        if pdf:
            (folder / "report.pdf").write_bytes(pdf_of(report))


def write_report(
    bundle: Bundle,
    audited: Audited,
    folder: Path,
    *,
    classes: Sequence[str] | None = None,
    pdf: bool = False,
) -> list[Path]:
    """Write the report of an audit's folder anew, in the place of the old one.

    Parameters
    ----------
    bundle, audited
        As `read_audit` gives the second.
    folder
        The audit's.
    classes
        Names of the victim's classes.
    pdf
        Whether to write `report.pdf` too.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    BirthmarkError
        If it can't be.
    """
    report = _rendered(bundle, audited, classes)
    contents = {"report.html": report.encode()}
    if pdf:
        contents["report.pdf"] = pdf_of(report)
    for name, content in contents.items():
        with whole_file(folder / name) as passing:
            passing.write_bytes(content)
    return [folder / name for name in contents]


def _rendered(bundle: Bundle, audited: Audited, classes: Sequence[str] | None = None) -> str:
    result = audited.result
    title = f"{result.suspect.name}: {result.verdict}"
    return render_report(bundle, [audited], title=title, classes=classes)


def read_audit(bundle: Bundle, seal: str, folder: Path) -> Audited:
    """Read what an audit left behind, and check that it belongs together.

    Distances and p-value are computed again from the answers; who signed them, and the rest of the
    result, is for `birthmark verify`.

    Parameters
    ----------
    bundle
        The fingerprint.
    seal
        Its seal.
    folder
        The audit's folder, with `result.json` and `answers.safetensors`.

    Raises
    ------
    BirthmarkError
        If a file is missing or broken, the fingerprint is another, or the result is not that of
        the answers.
    """
    file = folder / "result.json"
    result = read_result(file)
    if result.fingerprint not in (None, seal):
        raise BirthmarkError(file, "is of another fingerprint", "name the one that was audited")
    answers = folder / "answers.safetensors"
    recorded = read_answers(read_bytes(answers), str(answers))
    given = recorded.given
    audited = Audited(result, given.outputs, given.refused, recorded.again)
    if audited.answers.digest != result.answers:
        raise BirthmarkError(answers, "are not the answers of result.json (digest)", AGAIN)
    require_of_one(bundle, [audited])
    after = replay(bundle, result, recorded)
    numbers, stated = (
        [one.score, one.p_value, *(reference.score for reference in one.references)]
        for one in (after, result)
    )
    if after.verdict is not result.verdict or not np.allclose(numbers, stated, CLOSE, CLOSE):
        raise BirthmarkError(file, "states other numbers than its answers give", AGAIN)
    return audited
