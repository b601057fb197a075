"""Model files are asked side by side, and the fingerprint is the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from joblib.externals.loky import get_reusable_executor

import world
from birthmark import BirthmarkError, Fingerprint, as_suspect

OWN = """
import os

from birthmark.models.adapters.onnx import OnnxSuspect


class Deadly(OnnxSuspect):
    def answer(self, images):
        os.kill(os.getpid(), 9)
"""


@pytest.fixture
def there(files: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The world's files; workers of earlier tests are elsewhere."""
    get_reusable_executor().shutdown(wait=True, kill_workers=True)
    (files / "deadly.py").write_text(OWN)
    monkeypatch.syspath_prepend(str(files))
    return files


def enroll(*others: Any, **options: Any) -> Fingerprint:
    references = [*(as_suspect(one) for one in sorted(Path("references").rglob("*.onnx"))), *others]
    return Fingerprint.enroll(
        "victim.onnx", world.image_set(), references, n=40, start="random", **options
    )


def test_the_fingerprint_is_the_same_whatever_the_workers(there: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    here = world.answering(lambda x: world.innocent(30).decision_function(x.reshape(len(x), -1)))
    enroll(here).save("one.birthmark")
    enroll(here, workers=2, progress=lambda *told: seen.append(told)).save("two.birthmark")
    assert (there / "one.birthmark").read_bytes() == (there / "two.birthmark").read_bytes()
    asking = [done for what, done, total in seen if what == "Asking references"]
    assert asking == list(range(len(asking)))


def test_a_worker_that_dies_is_one_line(there: Path) -> None:
    import deadly  # type: ignore[import-not-found]

    world.export(world.innocent(31), there / "deadly.onnx")
    with pytest.raises(BirthmarkError, match=r"workers: 2 were asking models, and one died"):
        enroll(deadly.Deadly("deadly.onnx", world.DECLARED), workers=2)


def test_what_a_model_says_against_it_comes_from_a_worker_whole(there: Path) -> None:
    opened = as_suspect("other.onnx")
    (there / "other.onnx").write_bytes(b"changed")
    with pytest.raises(BirthmarkError, match=r"other.onnx: has changed since it was opened; open"):
        enroll(opened, workers=2)
