"""Building one model: made, tested, written, in this order."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path

from birthmark.zoo.disguises import disguise_of, is_disguise
from birthmark.zoo.images.arrays import load
from birthmark.zoo.models.member import Member
from birthmark.zoo.models.model import ZooModel
from birthmark.zoo.models.quality import accuracy, fidelity
from birthmark.zoo.models.record import Record, read, weights_file, write
from birthmark.zoo.models.store import built, kind_of, save
from birthmark.zoo.plan import Plan, Role
from birthmark.zoo.recipes.job import Job
from birthmark.zoo.recipes.lookup import recipe_of


def made(folder: Path, member: Member, key: str) -> Record | None:
    """The record of a model whose weights are there, made as the plan says."""
    record = read(folder, member.name)
    if record is None or record.key != key:
        return None
    there = record.weights is None or weights_file(folder, member.name).exists()
    return record if there else None


def build(plan: Plan, member: Member, key: str, victim: str, folder: Path) -> Record:
    """Make a model, unless its weights are there; test it; write weights and record.

    `key` and `victim` are the member's and the victim's of `keys`.

    Raises
    ------
    BirthmarkError
        If the recipe cannot be carried out.
    """
    known = made(folder, member, key)
    if known is not None and known.victim == victim:
        return known
    began = time.monotonic()
    if known is not None:
        model, task = built(plan, folder, member.name), known.task
        weights, images = known.weights, known.images
        began -= known.seconds
    elif is_disguise(member.recipe):
        parent = read(folder, member.parent or "")
        model = built(plan, folder, member.parent or "").behind(
            disguise_of(member.recipe, member.parameters)
        )
        task, weights, images = parent.task if parent else "own", None, 0
    else:
        recipe = recipe_of(member.recipe, member.parameters)
        job = Job(plan, member, folder)
        task = recipe.task
        model = ZooModel(recipe.train(job), kind_of(plan, task))
        weights, images = save(folder, member.name, model.net), recipe.images(job)
    arrays = load(folder / "data" / task)
    owners = model if task != "own" or member.role is Role.VICTIM else built(plan, folder, "victim")
    said = model.answer(arrays.pixels[:1])
    tested = model.with_own_names()
    record = Record(
        **asdict(member),
        key=key,
        victim=victim,
        weights=weights,
        outputs=said.classes,
        kind=said.kind,
        task=task,
        images=images,
        accuracy=round(accuracy(tested, arrays), 4),
        fidelity=round(fidelity(tested, owners, arrays), 4) if task == "own" else None,
        seconds=round(time.monotonic() - began, 1),
    )
    write(folder, record)
    return record
