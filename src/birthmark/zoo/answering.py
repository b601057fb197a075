"""Putting one pool of probes to every model of a zoo."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from birthmark import __version__
from birthmark.common.digests import sha256
from birthmark.common.errors import BirthmarkError
from birthmark.data.images import Image, ImageSet, Progress, silent
from birthmark.models.adapters import Suspect
from birthmark.probes import PROBES, Companions, Draw
from birthmark.zoo.arrays import load
from birthmark.zoo.builder import open_zoo
from birthmark.zoo.disguises import disguise_of, is_disguise
from birthmark.zoo.members import copies, members
from birthmark.zoo.models import built
from birthmark.zoo.plan import Plan, Role
from birthmark.zoo.recorded import Asked, Manifest, Packed, digest_of, packed, write_answers
from birthmark.zoo.records import Record, read


class Pool(NamedTuple):
    """Probes by method, and why those of others can't be made."""

    probes: dict[str, list[Image]]
    left_out: dict[str, str]


class Ingredients(NamedTuple):
    """What a zoo's probes are made of: images that nothing was trained on, and models to ask."""

    images: ImageSet
    victim: Suspect
    draw: Draw
    companions: Companions


def ingredients(plan: Plan, folder: Path) -> Ingredients:
    """What a zoo's probes are made of; companions as far as they are built.

    Raises
    ------
    BirthmarkError
        If the victim is not built.
    """
    own = load(folder / "data" / "own")
    positions = own.parts["probes"]
    pixels = np.ascontiguousarray(own.pixels[positions].transpose(0, 2, 3, 1))
    images = ImageSet.from_arrays(pixels, own.labels[positions], source=f"{plan.name} probes")
    record = read(folder, "victim")
    if record is None:
        raise BirthmarkError(folder, "its victim is not built", "run `birthmark zoo build`")
    draw = Draw(images.digest, record.weights, plan.seed)
    return Ingredients(images, _suspect(plan, folder, record), draw, companions(plan, folder))


def pool(plan: Plan, folder: Path, progress: Progress = silent) -> Pool:
    """The probes of a zoo, drawn from the probes part, which nothing was trained on.

    Raises
    ------
    BirthmarkError
        If the victim is not built, or no method can make probes of it.
    """
    images, victim, draw, helping = ingredients(plan, folder)
    made, left_out = {}, {}
    for i, (name, count) in enumerate(plan.answers.probes.items()):
        wanted = min(max(2, round(count * plan.size.probes)), len(images))
        try:
            made[name] = PROBES.make(name).select(images, victim, wanted, draw, companions=helping)
        except BirthmarkError as error:
            left_out[name] = f"{error.subject}: {error.problem}"
        progress("Making probes", i + 1, len(plan.answers.probes))
    if not made:
        raise BirthmarkError(
            folder, f"no probes can be made ({min(left_out.values())})", "use a larger scale"
        )
    return Pool(made, left_out)


def companions(plan: Plan, folder: Path) -> Companions:
    """The models of a zoo that help to choose probes; those from the victim are its surrogates."""
    listed = members(plan)
    descend = copies(listed)
    helping = [read(folder, m.name) for m in listed if m.role is Role.COMPANION]
    surrogates: list[Suspect] = []
    outsiders: list[Suspect] = []
    for record in helping:
        if record is not None:
            side = surrogates if record.name in descend else outsiders
            side.append(_suspect(plan, folder, record))
    return Companions(surrogates, outsiders)


def _suspect(plan: Plan, folder: Path, record: Record) -> Suspect:
    return built(plan, folder, record.name).suspect(plan, record.name, record.family)


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


def stacked(probes: Sequence[Image], plan: Plan) -> NDArray[np.uint8]:
    """Probes as uint8 (n, channels, size, size)."""
    side = (plan.images.size, plan.images.size)
    arrays = [probe.array(plan.images.channels, side, "bilinear") for probe in probes]
    return np.stack(arrays).transpose(0, 3, 1, 2)


def _answer(plan: Plan, folder: Path, name: str, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    import torch

    torch.set_num_threads(1)
    return built(plan, folder, name).answer(pixels).values.astype(np.float32)


def _records(plan: Plan, folder: Path) -> list[Record]:
    found = [(member.name, read(folder, member.name)) for member in members(plan)]
    missing = [name for name, record in found if record is None]
    if missing:
        raise BirthmarkError(
            folder,
            f"{len(missing)} of {len(found)} models are not built, {missing[0]} among them",
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
