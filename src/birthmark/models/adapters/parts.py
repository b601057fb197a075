"""Which files a model consists of: what is digested, and all that its process may read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from birthmark.common.digests import sha256_of_file, sha256_of_files
from birthmark.common.errors import BirthmarkError, one_line
from birthmark.common.files import files_below, known_regular, opened
from birthmark.models.adapters.model_files import REPOSITORY, SAVED_MODEL
from birthmark.models.adapters.onnx_names import external_names
from birthmark.models.sandbox.sandboxed import MAX_FILES

OF_WEIGHTS = re.compile(r".+\.(data|bin|raw|dat|weights?|onnx_data(_\d+)?)")
FOLDER = "put the model into its own folder"


def of_onnx(path: Path, limit: int) -> list[Path]:
    """An ONNX file, and the files of its folder that it takes weights from, sorted.

    It may name any file, a key of yours among them. So these must be called like weights, lie in
    its folder or below, and no name on the way may begin with a dot.

    Raises
    ------
    BirthmarkError
        If one is otherwise or missing, or the folder holds your home.
    """
    with opened(path, limit) as file:
        names = sorted(external_names(file, path))
    if names:
        require_own_folder(path.absolute().parent, path)
    return [path, *(_beside(path, name) for name in names)]


def of_folder(folder: Path, also: Sequence[Path] = ()) -> list[Path]:
    """All files of a folder that is a model; links must stay in it, or lead into one of `also`.

    Raises
    ------
    BirthmarkError
        If there is something else in it, or too much, or the folder holds your home.
    """
    require_own_folder(folder, folder)
    files = files_below(folder, MAX_FILES)
    inside = [one.resolve() for one in (folder, *also)]
    for file in files:
        if file.is_symlink() and not any(file.resolve().is_relative_to(one) for one in inside):
            raise BirthmarkError(
                file, "leads out of the model's folder", "put a copy into the folder"
            )
    return files


def files_of(path: Path, limit: int) -> list[Path]:
    """The files that a model consists of which is opened by `path`, as `located` names it.

    Raises
    ------
    BirthmarkError
        As `of_onnx` and `of_folder`.
    """
    if path.suffix == ".onnx":
        return of_onnx(path, limit)
    return of_folder(path.parent) if path.name in (SAVED_MODEL, REPOSITORY) else [path]


def digest_of_files(path: Path, files: Sequence[Path], limit: int) -> str:
    """Digest of a file, or of all files that a model consists of.

    Raises
    ------
    BirthmarkError
        If one is no regular file, or has over `limit` bytes.
    """
    if list(files) == [path]:
        return sha256_of_file(path, limit)
    return sha256_of_files(path if path.is_dir() else path.parent, files, limit)


def require_own_folder(folder: Path, subject: object) -> None:
    """Refuse a folder that holds the user's home: all in it could be taken for the model's.

    Raises
    ------
    BirthmarkError
        If it does, or is the home itself.
    """
    if Path.home().resolve().is_relative_to(folder.resolve()):
        raise BirthmarkError(subject, f"lies in {folder}, which holds your home", FOLDER)


def _beside(path: Path, name: str) -> Path:
    parts = PurePosixPath(name).parts
    file = path.parent / name
    hidden = any(one.startswith(".") for one in parts)
    if hidden or not OF_WEIGHTS.fullmatch(name) or PurePosixPath(name).is_absolute():
        raise BirthmarkError(
            path,
            f"takes weights from {one_line(name, 80)!r}, which is no file of its folder",
            "save it again with all of them in one file, NAME.onnx.data",
        )
    known_regular(file)
    if not file.resolve().is_relative_to(path.absolute().parent.resolve()):
        raise BirthmarkError(file, "leads out of the model's folder", "put a copy into the folder")
    return file
