"""The package holds what it needs, and is not heavy."""

from __future__ import annotations

import shutil
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DATA = {".css", ".j2", ".json", ".toml", ".typed"}


def test_wheel_and_sdist_hold_all_data_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = pytest.importorskip("hatchling.build", reason="hatchling is not installed")
    copied = tmp_path / "birthmark"
    copied.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff"):
        shutil.copy(ROOT / name, copied)
    shutil.copytree(ROOT / "src", copied / "src", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.chdir(copied)
    wheel = tmp_path / backend.build_wheel(str(tmp_path))
    sdist = tmp_path / backend.build_sdist(str(tmp_path))
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    package = copied / "src"
    wanted = [one for one in package.rglob("*") if one.suffix in DATA | {".py"}]
    assert {one.relative_to(package).as_posix() for one in wanted} <= held
    with tarfile.open(sdist) as archive:
        tops = {name.split("/")[1] for name in archive.getnames()}
    assert "src" in tops
    assert not tops & {"tests", "benchmarks"}
    assert sdist.stat().st_size < 3 << 20
