"""The examples run, on pictures made here in the place of the real ones."""

from __future__ import annotations

import importlib.util
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from PIL import Image as Pillow

EMOTION = Path(__file__).parents[2] / "examples" / "emotion"


def faces(file: Path, count: int, seed: int) -> None:
    """Seven kinds of noisy pictures, 48x48 grey, as Parquet in the Hugging Face layout."""
    kinds = np.random.default_rng(0).integers(0, 256, (7, 6, 6)).repeat(8, 1).repeat(8, 2)
    rng = np.random.default_rng(seed)
    rows = []
    labels = rng.integers(0, 7, count)
    for label in labels:
        pixels = 0.8 * kinds[label] + 0.2 * rng.integers(0, 256, (48, 48))
        buffer = io.BytesIO()
        Pillow.fromarray(pixels.astype(np.uint8)).save(buffer, "PNG")
        rows.append({"bytes": buffer.getvalue(), "path": None})
    pyarrow.parquet.write_table(pa.table({"image": rows, "label": labels}), file)


@pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="the extra 'torch' is not installed"
)
def test_the_emotion_example_runs_and_trains_nothing_twice(tmp_path: Path) -> None:
    for i, (name, count) in enumerate((("train", 1200), ("validation", 1000), ("test", 100))):
        faces(tmp_path / f"{name}.parquet", count, i + 1)
    models, table = tmp_path / "models", tmp_path / "results.md"
    train = ["train.py", "--data", str(tmp_path), "--out", str(models)]
    train += ["--references", "4", "--epochs", "5"]
    run(train)
    made = sorted(models.rglob("*.onnx"))
    before = [file.stat().st_mtime_ns for file in made]
    made[0].unlink()
    run(train)
    assert [file.stat().st_mtime_ns for file in made][1:] == before[1:]
    images = str(tmp_path / "validation.parquet")
    measure = ["run.py", "--models", str(models), "--images", images, "--write", str(table)]
    run([*measure, "--first", "1"])
    assert table.read_text().count("| thief |") == 1


def run(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=EMOTION, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_notebooks_run_and_their_outputs_are_kept(tmp_path: Path) -> None:
    command = [sys.executable, str(EMOTION.parent / "notebooks" / "run.py")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("done") == 3
    assert (tmp_path / "audit" / "evidence.json").exists()
    for file in (EMOTION.parent / "notebooks").glob("*.ipynb"):
        cells = json.loads(file.read_text())["cells"]
        assert all(one["outputs"] for one in cells if one["cell_type"] == "code"), file.name
