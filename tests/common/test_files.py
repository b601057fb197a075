"""A stranger's file is regular and of bounded size before a byte of it is read."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import world
from birthmark import BirthmarkError, Fingerprint, as_suspect
from birthmark.common.files import files_below, read_bytes
from birthmark.data.images import ImageSet
from birthmark.evidence import keys, read_evidence
from birthmark.models.adapters.declaration import declared_beside
from birthmark.models.adapters.lookup import open_any, open_suspect
from birthmark.models.adapters.model_files import models_in
from birthmark.models.remote import Access

HUGE = 8 << 40
TWO_GIB = 2 << 30


def pipe(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        try:
            file.truncate(HUGE)
        except OSError:
            file.truncate(TWO_GIB)


SPECIAL = {"pipe": pipe, "device": device, "sparse file": sparse}


def template(file: Path) -> Any:
    return open_any(str(file), access=Access(file.with_name("l.ledger")))


REFUSED = r"is not a regular file|is over|leads out of"
READERS: dict[str, tuple[str, Callable[[Path], Any]]] = {
    **{
        f"model {ending}": (f"m.{ending}", lambda file: as_suspect(file, world.DECLARED))
        for ending in ("onnx", "pt2", "torchscript", "keras", "npz", "csv", "safetensors")
    },
    "template": ("a.api.toml", template),
    "declaration": ("birthmark.toml", lambda file: declared_beside(file.parent / "m.onnx")),
    "fingerprint": ("v.birthmark", Fingerprint.open),
    "images": ("images.npz", ImageSet.open),
    "table": ("images.parquet", ImageSet.open),
    "evidence": ("evidence.json", read_evidence),
    "public key": ("k.pub", keys.read_public_key),
    "key": ("k", lambda file: keys.signer_of(str(file))),
    "image in a folder": ("a.png", lambda file: ImageSet.open(file.parent)),
    "table in a folder": ("a.parquet", lambda file: ImageSet.open(file.parent)),
    "repository": ("config.json", lambda file: open_suspect(str(file))),
    "in a SavedModel": ("x", lambda file: as_suspect(file.with_name("saved_model.pb"), {})),
}


@pytest.mark.parametrize("kind", SPECIAL)
@pytest.mark.parametrize("reader", READERS)
def test_special_files_are_refused_before_they_are_read(
    reader: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIRTHMARK_FILE_GIB", "1")
    name, read = READERS[reader]
    (tmp_path / "saved_model.pb").write_bytes(b"")
    SPECIAL[kind](tmp_path / name)
    if reader == "table" and kind == "sparse file" and (tmp_path / name).stat().st_size < HUGE:
        pytest.skip("this file system has no files of so many bytes")
    with pytest.raises(BirthmarkError, match=REFUSED) as error:
        read(tmp_path / name)
    assert name in str(error.value) or str(tmp_path) in str(error.value)


def test_a_folder_is_looked_into_within_bounds(tmp_path: Path) -> None:
    deep = tmp_path / "/".join("a" * 70)
    deep.mkdir(parents=True)
    (tmp_path / "loop").symlink_to(tmp_path)
    with pytest.raises(BirthmarkError, match="has folders nested over 64 deep"):
        models_in(tmp_path)
    with pytest.raises(BirthmarkError, match="holds over 1 files"):
        files_below(tmp_path, 1)
    assert files_below(deep.parent, 9) == []


def test_a_file_is_read_whole_or_refused(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_bytes(bytes(2048))
    assert read_bytes(file, 2048) == bytes(2048)
    for limit, said in ((2047, "is over 1 KiB"), (100, "is over 100 bytes")):
        with pytest.raises(BirthmarkError, match=said):
            read_bytes(file, limit)
    for path, said in ((tmp_path, "is a folder"), (tmp_path / "none", "does not exist")):
        with pytest.raises(BirthmarkError, match=said):
            read_bytes(path)
    with pytest.raises(BirthmarkError, match="cannot be read"):
        read_bytes(Path("a\0b"))
