"""The folder that an audit leaves behind."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from pydantic import ValidationError

from birthmark.audit import Audited
from birthmark.bundle import Bundle
from birthmark.calibration import conformal_p
from birthmark.comparing import compared
from birthmark.errors import BirthmarkError
from birthmark.files import whole_file, whole_folder
from birthmark.methods import method
from birthmark.outputs import Outputs
from birthmark.report.html import render_report, require_of_one
from birthmark.report.pdf import pdf_of
from birthmark.result import Result
from birthmark.suspects.recorded import RecordedSuspect

AGAIN = "audit again"


MAX_RESULT = 64 << 20
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
        (folder / "answers.safetensors").write_bytes(
            answers_bytes(audited.answers, audited.refused)
        )
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
    result = _read_result(file)
    if result.fingerprint not in (None, seal):
        raise BirthmarkError(file, "is of another fingerprint", "name the one that was audited")
    answers = RecordedSuspect(folder / "answers.safetensors", {})
    probes = bundle.probes[: result.queries]
    audited = Audited(result, answers.answer(probes))
    if audited.answers.digest != result.answers:
        raise BirthmarkError(
            folder / "answers.safetensors", "are not the answers of result.json (digest)", AGAIN
        )
    require_of_one(bundle, [audited])
    _require_that_it_follows(bundle, audited, file)
    return audited


def _read_result(file: Path) -> Result:
    if not file.is_file():
        raise BirthmarkError(file, "does not exist", "name the folder that an audit wrote")
    if file.stat().st_size > MAX_RESULT:
        raise BirthmarkError(file, f"is over {MAX_RESULT >> 20} MiB", AGAIN)
    try:
        return Result.model_validate_json(file.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise BirthmarkError(f"{file} {field}".rstrip(), first["msg"], AGAIN) from error
    except OSError as error:
        raise BirthmarkError(file, f"cannot be read: {error.strerror}", AGAIN) from error


def _require_that_it_follows(bundle: Bundle, audited: Audited, file: Path) -> None:
    result = audited.result
    alike = compared(bundle.first(len(audited.answers)), audited.answers)
    score = method(result.method).score
    numbers = score(alike.victim, [alike.suspect, *alike.references])
    stated = [result.score, *(one.score for one in result.references)]
    p = conformal_p(stated[0], stated[1:])
    if not np.allclose(numbers, stated, rtol=CLOSE, atol=CLOSE) or abs(p - result.p_value) > CLOSE:
        raise BirthmarkError(file, "states other numbers than its answers give", AGAIN)


def answers_bytes(answers: Outputs, refused: Collection[int] = ()) -> bytes:
    """Answers as safetensors that can be audited again.

    `values`, with the kind as metadata; and, if some probes were refused, `refused`, their
    positions among the probes that were asked, int64 (m,).
    """
    tensors: dict[str, NDArray[Any]] = {"values": answers.values}
    if refused:
        tensors["refused"] = np.array(sorted(refused), dtype=np.int64)
    return safetensors.numpy.save(tensors, metadata={"kind": answers.kind.value})
