"""The folder that an audit leaves behind."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray

from birthmark.audit import Audited
from birthmark.bundle import Bundle
from birthmark.files import whole_folder
from birthmark.outputs import Outputs
from birthmark.report.html import render_report


def write_audit(bundle: Bundle, audited: Audited, out: Path) -> None:
    """Write `result.json`, `answers.safetensors` and `report.html` into a new folder.

    Raises
    ------
    BirthmarkError
        If it holds something already, or can't be written; nothing is left then.
    """
    result = audited.result
    title = f"{result.suspect.name}: {result.verdict}"
    report = render_report(bundle, [audited], title=title)
    with whole_folder(out) as folder:
        (folder / "result.json").write_text(result.model_dump_json(indent=2) + "\n", "utf-8")
        (folder / "answers.safetensors").write_bytes(
            answers_bytes(audited.answers, audited.refused)
        )
        (folder / "report.html").write_text(report, "utf-8")


def answers_bytes(answers: Outputs, refused: Collection[int] = ()) -> bytes:
    """Answers as safetensors that can be audited again.

    `values`, with the kind as metadata; and, if some probes were refused, `refused`, their
    positions among the probes that were asked, int64 (m,).
    """
    tensors: dict[str, NDArray[Any]] = {"values": answers.values}
    if refused:
        tensors["refused"] = np.array(sorted(refused), dtype=np.int64)
    return safetensors.numpy.save(tensors, metadata={"kind": answers.kind.value})
