"""Putting one pool of probes to every model of a zoo."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from birthmark import __version__
from birthmark.common.digests import sha256
from birthmark.common.errors import BirthmarkError
from birthmark.data.images import Image, Progress, silent
from birthmark.zoo.answers.file import write_answers
from birthmark.zoo.answers.manifest import Asked, Manifest, Packed
from birthmark.zoo.answers.numbers import digest_of, packed
from birthmark.zoo.answers.pool import pool, stacked
from birthmark.zoo.builder.members import members
from birthmark.zoo.disguises import disguise_of, is_disguise
from birthmark.zoo.images.arrays import load
from birthmark.zoo.models.record import Record, read
from birthmark.zoo.models.store import built
from birthmark.zoo.plan import Plan, Role, open_zoo


def answer_zoo(folder: Path, out: Path, workers: int = 1, progress: Progress = silent) -> Manifest:
    """Ask every model of a zoo and write the answers file.

    Raises
    ------
    BirthmarkError
        If a model of the plan is not built, or the file can't be written.
    """
    import torch
    from joblib import Parallel, delayed

    torch.set_num_threads(1)  # other threads would wait for work by spinning
    plan = open_zoo(folder)
    probes, left_out = pool(plan, folder, progress)
    records = _records(plan, folder)
    stored = [r for r in records if not _follows(r)]
    pixels = np.concatenate([stacked(some, plan) for some in probes.values()])
    parallel = Parallel(n_jobs=workers, return_as="generator")
    blocks, places, begins = [], {}, 0
    answers = parallel(delayed(_answer)(plan, folder, r.name, pixels) for r in stored)
    for i, (record, values) in enumerate(zip(stored, answers, strict=True)):
        numbers, lowest, step = packed(values, plan.answers.bits)
        places[record.name] = Packed(begins=begins, lowest=lowest, step=step)
        blocks.append(numbers.ravel())
        begins += numbers.size
        progress("Asking models", i + 1, len(stored))
    numbers = np.concatenate(blocks)
    manifest = Manifest(
        plan=plan,
        records=records,
        packed=places,
        asked=[_asked(name, some) for name, some in probes.items()],
        left_out=left_out,
        made=_versions(),
        data={n: load(folder / "data" / n).digest for n in ("own", "new", "foreign")},
        values=digest_of(numbers),
    )
    write_answers(out, manifest, numbers)
    return manifest


def _answer(plan: Plan, folder: Path, name: str, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    import torch

    torch.set_num_threads(1)
    return built(plan, folder, name).answer(pixels).values.astype(np.float32)


def _records(plan: Plan, folder: Path) -> list[Record]:
    asked = [member.name for member in members(plan) if member.role is not Role.START]
    found = [(name, read(folder, name)) for name in asked]
    missing = [name for name, record in found if record is None]
    if missing:
        raise BirthmarkError(
            folder,
            f"{len(missing)} of {len(found)} models are not built, such as {missing[0]}",
            "run `birthmark zoo build` again",
        )
    return [record for _, record in found if record is not None]


def _follows(record: Record) -> bool:
    """Whether its answers follow from its parent's."""
    return (
        is_disguise(record.recipe)
        and not disguise_of(record.recipe, record.parameters).changes_input
    )


def _asked(name: str, probes: Sequence[Image]) -> Asked:
    digests = sha256(*(f"{probe.pixel_digest}\n".encode() for probe in probes))
    return Asked(method=name, labels=[probe.label for probe in probes], pixels=digests)


def _versions() -> dict[str, str]:
    import torch

    return {
        "birthmark": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "machine": f"{platform.system()} {platform.machine()}",
    }
