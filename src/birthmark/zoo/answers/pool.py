"""The probes that all models of a zoo are asked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from birthmark.common.errors import BirthmarkError
from birthmark.data.images import Image, ImageSet, Progress, silent
from birthmark.models.adapters import Suspect
from birthmark.probes import PROBES, Companions, Draw
from birthmark.zoo.builder.members import copies, members
from birthmark.zoo.images.arrays import load
from birthmark.zoo.models.record import Record, read
from birthmark.zoo.models.store import built
from birthmark.zoo.plan import Plan, Role


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
        raise BirthmarkError(folder, "has no victim yet", "run `birthmark zoo build`")
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
            folder, f"allows no probes ({min(left_out.values())})", "use a larger scale"
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


def stacked(probes: Sequence[Image], plan: Plan) -> NDArray[np.uint8]:
    """Probes as uint8 (n, channels, size, size)."""
    side = (plan.images.size, plan.images.size)
    arrays = [probe.array(plan.images.channels, side, "bilinear") for probe in probes]
    return np.stack(arrays).transpose(0, 3, 1, 2)
