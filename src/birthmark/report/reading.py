"""What an audit left behind, read and checked."""

from __future__ import annotations

from pathlib import Path

from birthmark.audit.audit import Audited
from birthmark.bundle import Bundle
from birthmark.common.errors import BirthmarkError
from birthmark.evidence.folder import AGAIN, read_outcome
from birthmark.evidence.replay import differing, replay
from birthmark.report.html import require_of_one

CLOSE = 1e-6
"""By how much numbers may differ from those of another machine."""


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
        raise BirthmarkError(file, "is of another fingerprint", "name the one that was audited")
    given = recorded.given
    audited = Audited(result, given.outputs, given.refused, recorded.again)
    require_of_one(bundle, [audited])
    if wrong := differing(result, replay(bundle, result, recorded), CLOSE):
        raise BirthmarkError(
            file, f"is not what comes out of its answers ({', '.join(wrong)})", AGAIN
        )
    return audited
