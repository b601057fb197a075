"""The folder that references are built in: claimed, and filled with what workers read."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from birthmark.common.errors import BirthmarkError
from birthmark.common.files import cannot_write
from birthmark.data.images import ImageSet, Progress
from birthmark.data.outputs import Kind
from birthmark.models.adapters import Declaration
from birthmark.references.design import Planned
from birthmark.references.pixels import write_pixels
from birthmark.references.probes import write_probes
from birthmark.references.record import References
from birthmark.references.split import SHARE, Split, labels_of
from birthmark.references.wanted import Wanted
from birthmark.references.work import parts_file, pixels_file


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Be the only run that builds in a folder, which is made if it is not there.

    Raises
    ------
    BirthmarkError
        If another builds there now, or the folder can't be written.
    """
    import fcntl

    try:
        folder.mkdir(parents=True, exist_ok=True)
        place = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise cannot_write(folder, error) from error
    try:
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(place)
        raise BirthmarkError(
            folder, "another run is building references there", "wait for it, or name a new folder"
        ) from error
    except OSError:
        pass  # a shared disk without locks
    try:
        yield
    except OSError as error:
        raise cannot_write(folder, error) from error
    finally:
        os.close(place)


def claimed(folder: Path, wanted: Wanted, split: Split) -> References:
    """What the folder holds already, if it is of the same settings; a new record otherwise.

    Raises
    ------
    BirthmarkError
        If it holds something else.
    """
    settings = wanted.settings()
    known = References.read(folder)
    if known is not None:
        if known.settings != settings:
            raise BirthmarkError(
                folder,
                "holds references made with other options",
                "repeat that command to continue, or name a new folder with --out",
            )
        return known
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BirthmarkError(folder, "is not empty", "name a new or empty folder")
    record = References(
        settings=settings,
        task="verification" if wanted.verification else "classes",
        images=wanted.images.digest,
        owner_images=None if wanted.owner_images is None else wanted.owner_images.digest,
        seed=wanted.seed,
        trained_on=len(split.train),
        checked_on=len(split.check),
        probes=len(split.probes),
        share=SHARE,
        victim=None,
    )
    record.write(folder)
    return record


def prepare(
    folder: Path,
    wanted: Wanted,
    split: Split,
    declarations: set[Declaration],
    progress: Progress,
) -> None:
    """Write the unseen images for `enroll`, and what workers read.

    Raises
    ------
    BirthmarkError
        If an image is broken, the owner's have other classes, or the disk is full.
    """
    if not (folder / "probes").exists():
        write_probes(folder / "probes", wanted.images, split.probes)
    first = [*split.train, *split.check]
    images = [wanted.images[int(i)] for i in first]
    labels = labels_of(wanted.images)[first]
    owner = wanted.owner_images
    if owner is not None:
        images += list(owner)
        labels = np.concatenate([labels, same_classes(wanted, owner)])
    known = np.unique(labels_of(wanted.images))
    if wanted.verification:
        known = np.unique(labels)
    (folder / ".build").mkdir(parents=True, exist_ok=True)
    ends = np.cumsum([len(split.train), len(split.check), len(labels) - len(first)])
    np.savez(
        parts_file(folder),
        labels=np.searchsorted(known, labels),
        train=np.arange(ends[0]),
        check=np.arange(ends[0], ends[1]),
        owner=np.arange(ends[1], ends[2]),
    )
    for declaration in declarations:
        file = pixels_file(folder, declaration)
        if not file.exists():
            write_pixels(file, images, declaration, progress)


def same_classes(wanted: Wanted, owner: ImageSet) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The labels of the owner's images, if they mean the classes that the other images' mean.

    Raises
    ------
    BirthmarkError
        If they mean others, or are missing.
    """
    labels = labels_of(owner)
    if wanted.verification:
        return labels + int(labels_of(wanted.images).max()) + 1
    strange = np.setdiff1d(labels, labels_of(wanted.images))
    if len(strange):
        raise BirthmarkError(
            owner.source,
            f"has {len(strange)} classes that {wanted.images.source} lacks",
            "give both the same classes",
        )
    for label, (theirs, ours) in enumerate(zip(owner.classes, wanted.images.classes, strict=False)):
        if theirs != ours:
            raise BirthmarkError(
                owner.source,
                f"calls class {label} {theirs!r}, but {wanted.images.source} calls it {ours!r}",
                "give both the same classes with the same names",
            )
    return labels


def write_declarations(
    folder: Path, planned: Sequence[Planned], owns: Declaration, others: Declaration, kind: Kind
) -> None:
    """Write a `birthmark.toml` into every lineage's folder."""
    for one in planned:
        declaration = owns if one.own else others
        (width, height), channels = declaration.size, declaration.channels
        text = (
            f"size = [{width}, {height}]\nchannels = {channels}\nrange = [0, 255]\n"
            f"mean = {[127.5] * channels}\nstd = {[64.0] * channels}\n"
            f'output = "{kind}"\nresize = "{declaration.resize}"\n'
        )
        scale = declaration.scale_to
        if scale is not None:
            text += f"scale_to = {scale if isinstance(scale, int) else list(scale)}\n"
        file = folder / one.lineage / "birthmark.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
