"""What an audit left behind, read and checked."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from birthmark.audit import Audited
from birthmark.bundle import Bundle
from birthmark.errors import BirthmarkError
from birthmark.evidence.folder import AGAIN, read_outcome
from birthmark.evidence.replay import replay
from birthmark.report.html import require_of_one

CLOSE = 1e-6
"""How far, relatively, distances may differ from those of another machine."""


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
    after = replay(bundle, result, recorded)
    numbers, stated = (
        [one.score, one.p_value, *(reference.score for reference in one.references)]
        for one in (after, result)
    )
    if after.verdict is not result.verdict or not np.allclose(numbers, stated, CLOSE, CLOSE):
        raise BirthmarkError(file, "states other numbers than its answers give", AGAIN)
    return audited
