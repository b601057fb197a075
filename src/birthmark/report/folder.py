"""The folder that an audit leaves behind: written, and read again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from birthmark.audit.answers import answers_bytes
from birthmark.audit.audit import Audited
from birthmark.bundle import Bundle
from birthmark.common.errors import BirthmarkError
from birthmark.common.files import whole_file, whole_folder
from birthmark.evidence.folder import AGAIN, read_outcome
from birthmark.evidence.replay import differing, replay
from birthmark.report.html import render_report, require_of_one
from birthmark.report.pdf import pdf_of

FILES = ("result.json", "answers.safetensors", "report.html", "report.pdf")
"""What an audit leaves; a folder that holds more is never replaced."""
CLOSE = 1e-6
"""By how much numbers may differ from those of another machine."""


def write_audit(
    bundle: Bundle, audited: Audited, out: Path, *, pdf: bool = False, force: bool = False
) -> None:
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
    force
        Whether to replace an audit that is there, if nobody signed it.

    Raises
    ------
    BirthmarkError
        If it holds something already, or can't be written; nothing is left then. If a PDF is
        wanted and WeasyPrint is not there.
    """
    result = audited.result
    report = _rendered(bundle, audited)
    with whole_folder(out, FILES if force else ()) as folder:
        (folder / "result.json").write_text(result.model_dump_json(indent=2) + "\n", "utf-8")
        (folder / "answers.safetensors").write_bytes(answers_bytes(audited.recorded))
        (folder / "report.html").write_text(report, "utf-8")
        if pdf:
            (folder / "report.pdf").write_bytes(pdf_of(report))


def read_audit(bundle: Bundle, seal: str, folder: Path) -> Audited:
    """Read what an audit left behind, and check that it belongs together.

    The verdict, p-value and distances are computed again from the answers; who signed them is for
    `birthmark verify`.

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
    result, recorded = read_outcome(folder)
    if result.fingerprint not in (None, seal):
        raise BirthmarkError(
            file, "belongs to another fingerprint", "name the one that was audited"
        )
    given = recorded.given
    audited = Audited(result, given.outputs, given.refused, recorded.again, recorded.ran)
    require_of_one(bundle, [audited])
    if wrong := differing(result, replay(bundle, result, recorded), CLOSE):
        raise BirthmarkError(file, f"does not follow from its answers ({', '.join(wrong)})", AGAIN)
    return audited


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
    title = f"{result.suspect.name}: {result.called}"
    return render_report(bundle, [audited], title=title, classes=classes)
