"""What an audit left behind, read and checked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydantic import ValidationError

from birthmark.audit import Audited
from birthmark.bundle import Bundle
from birthmark.calibration import conformal_p
from birthmark.comparing import comparable, compared
from birthmark.errors import BirthmarkError
from birthmark.methods import method
from birthmark.report.html import require_of_one
from birthmark.result import Result
from birthmark.suspects.base import Answered
from birthmark.suspects.recorded import RecordedSuspect

AGAIN = "audit again"
MAX_RESULT = 64 << 20
CLOSE = 1e-6
"""How far, relatively, distances may differ from those of another machine."""


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
    given = answers.answer_some(probes)
    audited = Audited(result, given.outputs, given.refused)
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
    given = Answered(audited.answers, audited.refused)
    alike = compared(*comparable(bundle.first(result.queries), given))
    score = method(result.method).score
    numbers = score(alike.victim, [alike.suspect, *alike.references])
    stated = [result.score, *(one.score for one in result.references)]
    p = conformal_p(stated[0], stated[1:])
    if not np.allclose(numbers, stated, rtol=CLOSE, atol=CLOSE) or abs(p - result.p_value) > CLOSE:
        raise BirthmarkError(file, "states other numbers than its answers give", AGAIN)
