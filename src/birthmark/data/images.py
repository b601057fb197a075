"""Image sets: a folder, Parquet in the Hugging Face layout, npz or arrays."""

from __future__ import annotations

import io
import math
import sys
import warnings
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageFile

from birthmark.common.digests import sha256
from birthmark.common.errors import BirthmarkError
from birthmark.common.zips import opened_zip

FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF", "PPM")
SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".pgm", ".ppm"}
MAX_SIDE = 8192
MAX_PIXELS = 36_000_000
MAX_SCANS = 100
"""Each scan of a JPEG, however short, takes the time of all its pixels."""
SCAN = b"\xff\xda"
MAX_NPZ = 16 << 30
MAX_GROUP = 128 << 20
"""Bytes of images in a row group of Parquet that are kept between reads."""

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how many are done and how many there are."""


def silent(what: str, done: int, total: int) -> None:
    """Progress that nobody sees."""


@dataclass(frozen=True)
class Image:
    """One image file.

    Attributes
    ----------
    data
        The file's bytes, JPEG or another of `FORMATS`.
    name
        How a message calls it.
    label
        The true class, if known.
    """

    data: bytes
    name: str
    label: int | None = None

    @cached_property
    def digest(self) -> str:
        """Digest of the file's bytes."""
        return sha256(self.data)

    @cached_property
    def pixels(self) -> NDArray[np.uint8]:
        """Pixels as decoded, (height, width, 1 or 3), 0 to 255.

        Raises
        ------
        BirthmarkError
            If the bytes are not a whole image of a reasonable size.
        """
        array = np.asarray(_decoded(self))
        return array[:, :, None] if array.ndim == 2 else array

    @cached_property
    def pixel_digest(self) -> str:
        """Digest of shape and pixels, to notice a decoder that decodes otherwise."""
        return array_digest(self.pixels)

    def array(
        self,
        channels: int,
        size: tuple[int, int],
        resize: str,
        scale_to: tuple[int, int] | int | None = None,
    ) -> NDArray[np.uint8]:
        """As `picture`, but an array (height, width, channels)."""
        pixels = self.pixels
        if pixels.shape == (size[1], size[0], channels) and scale_to is None:
            return pixels
        array = np.asarray(self.picture(channels, size, resize, scale_to))
        return array[:, :, None] if channels == 1 else array

    def picture(
        self,
        channels: int,
        size: tuple[int, int] | None,
        resize: str,
        scale_to: tuple[int, int] | int | None = None,
    ) -> Pillow.Image:
        """The image with 1 or 3 channels at (width, height), `resize` a Pillow filter's name.

        Where `scale_to` is given, it is scaled to that (width, height) first, or until its shorter
        side has that length, and `size` is cut from its centre.
        """
        pixels = self.pixels
        picture = Pillow.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
        mode = "L" if channels == 1 else "RGB"
        if picture.mode != mode:
            picture = picture.convert(mode)
        if size is None:
            return picture
        scaled = (
            self._scaled(picture.size, scale_to) if scale_to is not None else (size[0], size[1])
        )
        if picture.size != scaled:
            picture = picture.resize(scaled, Pillow.Resampling[resize.upper()])
        if scaled != tuple(size):
            left, top = (scaled[0] - size[0]) // 2, (scaled[1] - size[1]) // 2
            picture = picture.crop((left, top, left + size[0], top + size[1]))
        return picture

    def _scaled(self, size: tuple[int, int], to: tuple[int, int] | int) -> tuple[int, int]:
        if not isinstance(to, int):
            return to[0], to[1]
        longer = to * max(size) // min(size)
        if longer > MAX_SIDE:
            raise BirthmarkError(
                self.name,
                f"is {size[0]}x{size[1]}, which is {longer} long with a shorter side of {to}",
                "cut it or remove it",
            )
        return (to, longer) if size[0] <= size[1] else (longer, to)


def array_digest(pixels: NDArray[np.uint8]) -> str:
    """Digest of a (height, width, channels) array: its shape in decimal, then its bytes."""
    shape = "x".join(map(str, pixels.shape)).encode()
    return sha256(shape, b"\n", np.ascontiguousarray(pixels).data)


def encoded(picture: Pillow.Image, file_format: str, **options: Any) -> bytes:
    """The bytes of a picture in a file format."""
    buffer = io.BytesIO()
    picture.save(buffer, file_format, **options)
    return buffer.getvalue()


def _opened(data: bytes, name: str) -> Pillow.Image:
    try:
        with _strict(), warnings.catch_warnings():
            warnings.simplefilter("error", Pillow.DecompressionBombWarning)
            picture = Pillow.open(io.BytesIO(data), formats=FORMATS)
    except Exception as error:  # Pillow's plugins raise whatever a broken file makes them raise
        raise BirthmarkError(
            name, f"is not a readable image ({type(error).__name__})", "replace or remove it"
        ) from error
    width, height = picture.size
    if width * height > MAX_PIXELS and max(width, height) <= MAX_SIDE:
        raise BirthmarkError(
            name, f"is {width}x{height}, over {MAX_PIXELS:,} pixels", "scale it down or remove it"
        )
    if picture.format == "JPEG" and data.count(SCAN) > MAX_SCANS:
        raise BirthmarkError(name, f"has over {MAX_SCANS} scans", "save it again or remove it")
    if max(picture.size) > MAX_SIDE:
        raise BirthmarkError(
            name, f"is {width}x{height}, over {MAX_SIDE} a side", "scale it down or remove it"
        )
    return picture


def _decoded(image: Image) -> Pillow.Image:
    """In mode L or RGB."""
    picture = _opened(image.data, image.name)
    try:
        with _strict():
            picture.load()
        return picture if picture.mode == "L" else picture.convert("RGB")
    except Exception as error:
        raise BirthmarkError(
            image.name, f"is broken after its header ({error})", "replace or remove it"
        ) from error


@contextmanager
def _strict() -> Iterator[None]:
    """Half an image, or a bomb in it, is an error, whatever WeasyPrint or another set for all."""
    before = ImageFile.LOAD_TRUNCATED_IMAGES
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    try:
        yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = before


@dataclass(frozen=True)
class Entry:
    """What is known of an image without decoding it."""

    name: str
    label: int | None
    digest: str
    size: tuple[int, int]
    colour: bool


class ImageSet(Sequence[Image]):
    """Images of one size, read when asked for.

    Every image's bytes are digested and its header read at once, so that a foreign file or a
    deviating size is found before anything is done with the set.

    Parameters
    ----------
    source
        How messages call the set.
    entries
        What is known of each image.
    read
        Gives the bytes of the image at a position.
    """

    def __init__(self, source: str, entries: Sequence[Entry], read: Callable[[int], bytes]) -> None:
        if not entries:
            raise BirthmarkError(source, "holds no images", "name a set that holds some")
        self.source = source
        self.entries = list(entries)
        self._read = read

    @classmethod
    def open(cls, path: str | Path, progress: Progress = silent) -> ImageSet:
        """Open a folder of images (sub-folders are classes), Parquet file(s) or an npz.

        Parquet holds the columns `image: {bytes, path}` and perhaps `label` (Hugging Face's
        layout); an npz holds `images`, uint8 (n, height, width) or (n, height, width, 1 or 3),
        and perhaps `labels`, integers (n,).

        Raises
        ------
        BirthmarkError
            If the set is missing, empty or of another form, or an image is unreadable.
        """
        path = Path(path)
        if path.is_dir():
            tables = sorted(path.rglob("*.parquet"))
            return from_parquet(tables, str(path), progress) if tables else _folder(path, progress)
        if not path.exists():
            raise BirthmarkError(path, "does not exist", "name a folder, a .parquet or an .npz")
        if path.suffix == ".parquet":
            return from_parquet([path], str(path), progress)
        if path.suffix == ".npz":
            return _from_npz(path, progress)
        raise BirthmarkError(
            path, f"has the ending {path.suffix!r}", "name a folder, a .parquet or an .npz"
        )

    @classmethod
    def from_arrays(
        cls,
        images: NDArray[np.uint8],
        labels: Sequence[int] | NDArray[np.integer[Any]] | None = None,
        *,
        source: str = "images",
        progress: Progress = silent,
    ) -> ImageSet:
        """Take uint8 arrays (n, height, width) or (n, height, width, 1 or 3), and labels (n,).

        Raises
        ------
        BirthmarkError
            If dtype, shape or the number of labels is another.
        """
        if images.dtype != np.uint8 or images.ndim not in (3, 4):
            raise BirthmarkError(
                source,
                f"images are {images.dtype} {images.shape}",
                "pass uint8 (n, height, width) or (n, height, width, 1 or 3)",
            )
        images = images[..., None] if images.ndim == 3 else images
        if images.shape[3] not in (1, 3):
            raise BirthmarkError(source, f"images have {images.shape[3]} channels", "pass 1 or 3")
        if 0 in images.shape[1:3]:
            raise BirthmarkError(source, "images have no pixels", "remove them")
        stated = np.asarray([] if labels is None else labels)
        if stated.ndim != 1 or (len(stated) and stated.dtype.kind not in "iu"):
            raise BirthmarkError(
                source, f"labels are {stated.dtype} {stated.shape}", "pass integers (n,)"
            )
        if labels is not None and len(labels) != len(images):
            raise BirthmarkError(
                source, f"{len(images)} images but {len(labels)} labels", "pass one label an image"
            )
        height, width = images.shape[1:3]
        entries = []
        for i, pixels in enumerate(images):
            label = None if labels is None else int(labels[i])
            digest = array_digest(pixels)
            colour = images.shape[3] == 3
            entries.append(Entry(f"{source}[{i}]", label, digest, (width, height), colour))
            progress("Reading images", i + 1, len(images))

        def read(i: int) -> bytes:
            pixels = images[i]
            return encoded(
                Pillow.fromarray(pixels[..., 0] if len(pixels[0, 0]) == 1 else pixels), "PNG"
            )

        return cls(source, entries, read)

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, position: Any) -> Any:
        if isinstance(position, slice):
            return [self[i] for i in range(*position.indices(len(self)))]
        entry = self.entries[position]
        return Image(self._read(position % len(self)), entry.name, entry.label)

    def __iter__(self) -> Iterator[Image]:
        return (self[i] for i in range(len(self)))

    def without_labels(self) -> ImageSet:
        """The same images, with their true classes forgotten."""
        entries = [replace(entry, label=None) for entry in self.entries]
        return ImageSet(self.source, entries, self._read)

    @cached_property
    def digest(self) -> str:
        """Digest of the set: of its images' digests in sorted order, whatever their names."""
        return sha256(
            *(f"{digest}\n".encode() for digest in sorted(e.digest for e in self.entries))
        )

    @property
    def colour(self) -> bool:
        """Whether any image has colour; a few grey ones among them are converted."""
        return any(entry.colour for entry in self.entries)

    def require_one_size(self) -> tuple[int, int]:
        """The (width, height) that all images share.

        Raises
        ------
        BirthmarkError
            If one has another size than the first.
        """
        first = self.entries[0]
        for entry in self.entries:
            if entry.size != first.size:
                raise BirthmarkError(
                    entry.name,
                    "is {}x{}, while {name} is {}x{}".format(
                        *entry.size, *first.size, name=first.name
                    ),
                    "pass --resize WIDTHxHEIGHT (in Python resize=) to bring all to one size",
                )
        return first.size


def entry_of(data: bytes, name: str, label: int | None) -> Entry:
    """Digest an image file's bytes and read its header.

    Raises
    ------
    BirthmarkError
        If the header is unreadable or the image too large.
    """
    picture = _opened(data, name)
    colour = picture.mode not in ("L", "1", "LA")
    return Entry(name, label, sha256(data), picture.size, colour)


def _folder(path: Path, progress: Progress) -> ImageSet:
    files = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES)
    classes = sorted({file.parent.relative_to(path).as_posix() for file in files} - {"."})
    entries = []
    for i, file in enumerate(files):
        parent = file.parent.relative_to(path).as_posix()
        label = classes.index(parent) if parent in classes else None
        entries.append(entry_of(read_bytes(file), str(file), label))
        progress("Reading images", i + 1, len(files))
    return ImageSet(str(path), entries, lambda i: read_bytes(files[i]))


def read_bytes(file: Path) -> bytes:
    """A file's bytes.

    Raises
    ------
    BirthmarkError
        If it can't be read.
    """
    try:
        return file.read_bytes()
    except OSError as error:
        raise BirthmarkError(
            file, f"cannot be read ({error.strerror})", "mend or remove it"
        ) from error


def from_parquet(files: Sequence[Path], source: str, progress: Progress) -> ImageSet:
    """The images of Parquet files, one after the other; messages call them `source`.

    Raises
    ------
    BirthmarkError
        If a file is no Parquet in the Hugging Face layout, or holds an unreadable image.
    """
    import pyarrow
    import pyarrow.parquet

    entries: list[Entry] = []
    places: list[tuple[int, int, int]] = []
    small: dict[tuple[int, int], bool] = {}
    tables = []
    try:
        tables = [pyarrow.parquet.ParquetFile(file) for file in files]
        total = sum(table.metadata.num_rows for table in tables)
        for t, table in enumerate(tables):
            has_label = "label" in table.schema_arrow.names
            columns = ["image", "label"] if has_label else ["image"]
            for g in range(table.num_row_groups):
                size = 0
                for r, row in enumerate(_rows(table, g, columns)):
                    label = row.get("label")
                    if not isinstance(label, int | None):
                        raise TypeError(f"the label of row {r} is {label!r}")
                    data = row["image"]["bytes"]
                    entries.append(entry_of(data, f"{files[t]} row {r}", label))
                    places.append((t, g, r))
                    size += len(data)
                    progress("Reading images", len(entries), total)
                small[t, g] = size <= MAX_GROUP
    except (pyarrow.ArrowException, OSError, LookupError, TypeError, ValueError) as error:
        raise BirthmarkError(
            source,
            f"is not Parquet with a column image: {{bytes, path}} ({error})",
            "write it in the Hugging Face layout",
        ) from error

    @lru_cache(maxsize=1)
    def group(t: int, g: int) -> list[bytes]:
        return [row["image"]["bytes"] for row in _rows(tables[t], g, ["image"])]

    def read(i: int) -> bytes:
        t, g, r = places[i]
        if small[t, g]:
            return group(t, g)[r]
        data: bytes = next(islice(_rows(tables[t], g, ["image"]), r, None))["image"]["bytes"]
        return data

    return ImageSet(source, entries, read)


def _rows(table: Any, group: int, columns: list[str]) -> Iterator[dict[str, Any]]:
    """So many at a time that they fit if each is as large as all: equal cells are stored once."""
    about = table.metadata.row_group(group)
    largest = sum(about.column(c).total_uncompressed_size for c in range(about.num_columns))
    size = max(1, MAX_GROUP // max(1, largest))
    for batch in table.iter_batches(batch_size=size, row_groups=[group], columns=columns):
        yield from batch.to_pylist()


def _from_npz(path: Path, progress: Progress) -> ImageSet:
    arrays = load_npz(path, MAX_NPZ)
    if "images" not in arrays:
        raise BirthmarkError(path, f"holds {sorted(arrays)}", "name the array of images 'images'")
    return ImageSet.from_arrays(
        arrays["images"], arrays.get("labels"), source=str(path), progress=progress
    )


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
            raise ValueError(f"{member.filename} holds what is no text")
    return array
