"""Which images references are trained on, which they are checked on, and which stay unseen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from birthmark.common.errors import BirthmarkError
from birthmark.data.images import ImageSet

Positions = NDArray[np.int64]

PROBES, CHECK = 0.25, 0.1
"""Shares of the images that no reference sees, and that references are only checked on."""
SHARE = 0.5
"""Each reference learns from so many of the images to train on, others for each.

Innocents have other data than references. Where all references learn from the same images they have
more in common with each other than with any innocent, and innocents look too close to the victim.
"""
MOST_PROBES = 2000
MOST_CHECK = 1000
LEAST_TRAINED, LEAST_CHECK, LEAST_PROBES = 100, 20, 40
LEAST_CLASSES, LEAST_PEOPLE = 2, 8


class Split(NamedTuple):
    """Positions in the image set, int64, disjoint; copies of an image count once."""

    train: Positions
    check: Positions
    probes: Positions


def divide(images: ImageSet, *, verification: bool, seed: int) -> Split:
    """Divide labelled images class by class or, for verification, person by person.

    A class of one or two images is trained on only.

    Raises
    ------
    BirthmarkError
        If images lack labels, or are too few.
    """
    labels = labels_of(images)
    if verification and len(np.unique(labels)) < LEAST_PEOPLE:
        raise BirthmarkError(
            images.source,
            f"has {len(np.unique(labels))} people, but verification needs at least {LEAST_PEOPLE}",
            "label every image with its person, for instance with a sub-folder for each; lists of"
            " pairs are not read",
        )
    order = np.random.default_rng((seed, 0)).permutation(len(images))
    order = _first_copies(images, order)
    parts = _by_person(labels, order) if verification else _by_class(labels, order)
    split = Split(*(np.sort(part) for part in parts))
    for name, part, least in zip(Split._fields, split, _leasts(verification), strict=True):
        if len(part) < least:
            raise BirthmarkError(
                images.source,
                f"has {len(order)} different images, which leaves {len(part)} for the part"
                f" '{name}', and that needs {least}",
                "add images",
            )
    return split


def labels_of(images: ImageSet) -> Positions:
    """Every image's label, int64 (n,).

    Raises
    ------
    BirthmarkError
        If one has none, or there are fewer than two.
    """
    for entry in images.entries:
        if entry.label is None:
            raise BirthmarkError(
                entry.name,
                "has no label, but references learn from labels",
                "put each class into a sub-folder of its own, or add the column `label` to Parquet"
                " or the array `labels` to an npz",
            )
    labels = np.array([entry.label for entry in images.entries], np.int64)
    if len(np.unique(labels)) < LEAST_CLASSES:
        raise BirthmarkError(images.source, "has only one class", "add images of other classes")
    return labels


def part(positions: Positions, labels: Positions, seed: int, *, people: bool) -> Positions:
    """A reference's own random share of some images, sorted: of each class, or of the people."""
    rng = np.random.default_rng((seed, 1))
    groups = labels[positions]
    names = np.unique(groups)
    if people:
        known = rng.permutation(names)[: max(LEAST_CLASSES, round(SHARE * len(names)))]
        return np.sort(positions[np.isin(groups, known)])
    kept = [
        rng.permutation(inside)[: max(1, round(SHARE * len(inside)))]
        for inside in (positions[groups == one] for one in names)
    ]
    return np.sort(np.concatenate(kept))


def _leasts(verification: bool) -> Sequence[int]:
    return (LEAST_TRAINED, 8 if verification else LEAST_CHECK, LEAST_PROBES)


def _first_copies(images: ImageSet, order: Positions) -> Positions:
    digests = np.array([images.entries[i].digest for i in order])
    return order[np.sort(np.unique(digests, return_index=True)[1])]


def _by_class(labels: Positions, order: Positions) -> list[Positions]:
    probes = min(PROBES, MOST_PROBES / len(order))
    check = min(CHECK, MOST_CHECK / len(order))
    parts: list[list[Positions]] = [[], [], []]
    for label in np.unique(labels):
        inside = order[labels[order] == label]
        spared = (
            [0, 0]
            if len(inside) < len(parts)
            else [max(1, round(share * len(inside))) for share in (check, probes)]
        )
        cuts = np.split(inside, np.cumsum(spared))
        for part, cut in zip(parts, (cuts[2], cuts[0], cuts[1]), strict=True):
            part.append(cut)
    return [np.concatenate(part) for part in parts]


def _by_person(labels: Positions, order: Positions) -> list[Positions]:
    """Probes and checked people are nobody that a reference has seen."""
    people = labels[order[np.sort(np.unique(labels[order], return_index=True)[1])]]
    probes = max(2, round(PROBES * len(people)))
    check = max(2, round(CHECK * len(people)))
    groups = people[probes + check :], people[probes : probes + check], people[:probes]
    train, checked, spared = (order[np.isin(labels[order], group)] for group in groups)
    return [train, checked[:MOST_CHECK], spared[:MOST_PROBES]]
