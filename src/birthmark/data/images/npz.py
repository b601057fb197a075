"""Arrays in npz files, read without ever unpickling."""

from __future__ import annotations

import math
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birthmark.common.errors import BirthmarkError
from birthmark.common.progress import Progress
from birthmark.common.zips import opened_zip
from birthmark.data.images.arrays import from_arrays
from birthmark.data.images.entry import Listing

MAX_NPZ = 16 << 30


def from_npz(path: Path, progress: Progress) -> Listing:
    """Take the arrays `images` and perhaps `labels` of an npz.

    Raises
    ------
    BirthmarkError
        If it is no npz of plain arrays, or these are not images and labels.
    """
    arrays = load_npz(path, MAX_NPZ)
    if "images" not in arrays:
        raise BirthmarkError(path, f"holds {sorted(arrays)}", "name the array of images 'images'")
    return from_arrays(arrays["images"], arrays.get("labels"), str(path), progress)


def load_npz(path: Path, limit: int) -> dict[str, NDArray[Any]]:
    """Read an npz without ever unpickling.

    Raises
    ------
    BirthmarkError
        If it is no npz, holds objects, or unpacks to more than `limit` bytes.
    """
    try:
        with opened_zip(path, limit) as archive:
            return {
                member.filename.removesuffix(".npy"): _npy(archive, member)
                for member in archive.infolist()
            }
    except BirthmarkError:
        raise
    except Exception as error:
        raise BirthmarkError(
            path, f"is not a readable npz of plain arrays ({error})", "write it with numpy.savez"
        ) from error


def _npy(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    """An array in an archive, if it is no larger than its header leads to expect."""
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }
        if version not in read:
            raise ValueError(f"{member.filename} is of the version {version}")
        shape, _, dtype = read[version](file)
        if math.prod(shape) * dtype.itemsize > member.file_size:
            raise ValueError(f"{member.filename} is too short for its shape {shape}")
    with archive.open(member) as file:
        array: NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
    if array.dtype.kind == "U" and array.size:
        codes = np.frombuffer(array.tobytes(), np.dtype("u4").newbyteorder(array.dtype.byteorder))
        if codes.max(initial=0) > sys.maxunicode:
            raise ValueError(f"{member.filename} holds something that is not text")
    return array
