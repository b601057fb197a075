"""How images are divided so that nothing that is scored was trained on or chosen by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from birthmark.common.errors import BirthmarkError
from birthmark.zoo.images.sources import Samples
from birthmark.zoo.plan import NewTask, Plan, Role

Positions = NDArray[np.int64]

TRAINED_ON = ("owner", "thief")
LEAST = 200
"""Images that a small scale leaves in the parts that nothing is trained on, if there are."""


@dataclass(frozen=True)
class Split:
    """Disjoint parts of a set of images.

    Attributes
    ----------
    labels
        int64 (n,), -1 for images that are left out.
    parts
        Positions of each part's images.
    classes
        How many labels there are.
    pairs
        For verification: int64 (k, 3), two positions in the test part and whether they show the
        same person.
    """

    labels: Positions
    parts: Mapping[str, Positions]
    classes: int
    pairs: Positions | None = None


def own_task(plan: Plan, samples: Samples) -> Split:
    """Owner, thief, probes, selection and test: by person where people are known.

    Copies of an image count once, since some sets hold copies across their official splits.

    Raises
    ------
    BirthmarkError
        If the set is too small, or lacks the pairs or people that the plan asks for.
    """
    rng = np.random.default_rng((plan.seed, 0))
    if plan.splits.folds is not None:
        parts, pairs = _by_fold(plan, samples, rng)
    else:
        parts, pairs = _by_image(plan, samples, rng), None
    for name, part in parts.items():
        if len(part) < 2:
            raise BirthmarkError(
                plan.images.source,
                f"the part {name} has {len(part)} images",
                "lower the counts in the plan's splits, or add images",
            )
    return Split(_labels(samples), parts, len(samples.classes), pairs)


def new_task(plan: Plan, samples: Samples, own: Split | None) -> Split:
    """Training and test images of the label set that thieves transfer a model to.

    Where it is made of the victim's own set, `own` says how that was divided: it is learnt on the
    thief's images and tested on the test part.
    """
    rng = np.random.default_rng((plan.seed, 1))
    groups = _groups(plan.transfer, len(samples.classes))
    old, labels = _labels(samples), np.full(len(samples.images), -1, np.int64)
    for new, group in enumerate(groups):
        labels[np.isin(old, group)] = new
    if own is not None:
        train, test = own.parts["thief"], own.parts["test"]
    elif "test" in samples.split:
        official = np.array(samples.split)
        train, test = np.flatnonzero(official == "train"), np.flatnonzero(official == "test")
    else:
        train, test = _six_tenths(old, rng)
    train, test = (rng.permutation(part[labels[part] >= 0]) for part in (train, test))
    return Split(
        labels,
        {"train": train[: _share(plan, plan.transfer.images)], "test": test[:1000]},
        len(groups),
    )


def foreign(plan: Plan, samples: Samples) -> Split:
    """Images for a thief who has none of the victim's kind, and others to test checkpoints on."""
    rng = np.random.default_rng((plan.seed, 2))
    usable = np.flatnonzero(np.array(samples.split) != "test")
    order = rng.permutation(usable)
    count = _share(plan, plan.foreign.images)
    if all(group.role is not Role.START for group in plan.groups):
        return Split(_labels(samples), {"train": order[:count]}, len(samples.classes))
    count = min(count, len(order) - min(500, len(order) // 10))
    parts = {"train": order[:count], "test": order[count : count + 500]}
    return Split(_labels(samples), parts, len(samples.classes))


def _share(plan: Plan, images: int, least: int = 0) -> int:
    return max(8, least, round(images * plan.size.share))


def _labels(samples: Samples) -> Positions:
    return np.array([entry.label for entry in samples.images.entries], np.int64)


def _groups(task: NewTask, classes: int) -> list[list[int]]:
    wanted: Sequence[int | list[int]] = range(classes) if task.classes is None else task.classes
    return [[entry] if isinstance(entry, int) else entry for entry in wanted]


def _six_tenths(labels: Positions, rng: np.random.Generator) -> tuple[Positions, Positions]:
    order = rng.permutation(len(labels))
    rank = np.zeros(len(labels))
    for label in np.unique(labels):
        of = order[labels[order] == label]
        rank[of] = np.arange(len(of)) / len(of)
    return np.flatnonzero(rank < 0.6), np.flatnonzero(rank >= 0.6)


def _first_copies(samples: Samples, order: Positions) -> Positions:
    seen: set[str] = set()
    kept = []
    for position in order:
        digest = samples.images.entries[position].digest
        if digest not in seen:
            seen.add(digest)
            kept.append(position)
    return np.array(kept, np.int64)


def _by_image(plan: Plan, samples: Samples, rng: np.random.Generator) -> dict[str, Positions]:
    splits = plan.splits
    people = samples.people if samples.people is not None else np.arange(len(samples.images))
    known, number = np.unique(people, return_inverse=True)
    turn = np.argsort(rng.permutation(known))[number]
    shuffled = _first_copies(samples, rng.permutation(len(people)))
    shuffled = shuffled[np.argsort(turn[shuffled], kind="stable")]
    official = np.array(samples.split)
    rest = {name: shuffled[official[shuffled] == name] for name in np.unique(official)}
    parts: dict[str, Positions] = {}
    for name, source, wanted in (
        ("probes", splits.pool, splits.probes),
        ("selection", splits.pool, splits.selection),
        ("test", splits.test_from, splits.test),
    ):
        if source not in rest:
            raise BirthmarkError(
                plan.images.source, f"has no official split {source!r}", "name another in splits"
            )
        there = rest[source]
        count = _whole_people(people, there, wanted or len(there))
        parts[name], rest[source] = there[:count], there[count:]
    train = rest.get("train", rest.get("", np.array([], np.int64)))
    half = _whole_people(people, train, len(train) // 2)
    parts["owner"], parts["thief"] = train[:half], train[half:]
    return {
        name: np.sort(part[: _share(plan, len(part), 0 if name in TRAINED_ON else LEAST)])
        for name, part in parts.items()
    }


def _whole_people(people: Positions, there: Positions, count: int) -> int:
    """The least number of images, `count` or more, that cuts no person in two."""
    while 0 < count < len(there) and people[there[count]] == people[there[count - 1]]:
        count += 1
    return min(count, len(there))


def _by_fold(
    plan: Plan, samples: Samples, rng: np.random.Generator
) -> tuple[dict[str, Positions], Positions]:
    folds = plan.splits.folds
    if folds is None or samples.pairs is None or samples.people is None:
        raise BirthmarkError(plan.images.source, "has no pairs in folds", "remove splits.folds")
    people, all_pairs, share = samples.people, samples.pairs, plan.size.share

    def among(name: Literal["test", "aside"]) -> Positions:
        """The pairs of some folds: image a, image b, same."""
        return all_pairs[np.isin(all_pairs[:, 3], folds[name]), :3]

    tests = among("test")
    pairs = rng.permutation(tests)[: max(40, round(len(tests) * share))]
    parts: dict[str, Positions] = {"test": np.unique(pairs[:, :2])}
    aside = rng.permutation(np.unique(people[among("aside")[:, :2]]))
    cut = len(aside) // 5
    for name, some, count in (
        ("selection", aside[:cut], plan.splits.selection),
        ("probes", aside[cut:], plan.splits.probes),
    ):
        images = rng.permutation(np.flatnonzero(np.isin(people, some)))
        parts[name] = images[: _share(plan, count or len(images))]
    held = np.concatenate([people[tests[:, :2]].ravel(), aside])
    free = rng.permutation(np.setdiff1d(people, held))
    count = max(8, round(len(free) * share))
    for name, some in (("owner", free[: count // 2]), ("thief", free[count // 2 : count])):
        parts[name] = np.flatnonzero(np.isin(people, some))
    return {name: np.sort(part) for name, part in parts.items()}, pairs
