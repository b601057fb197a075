"""Whether the suspect's units are the victim's in another order, or without some of them.

Layers are matched from the image on: the first layers take the same colours, so their units can be
compared, and each of the suspect's is given the victim's nearest. That says which inputs of the
next layer belong together, and so on. Names, places in the file and numbers of units play no part.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import comb, log

import numpy as np
from numpy.typing import NDArray

from birthmark.models.weights import Tensor
from birthmark.witnesses.weights.bound import log_chance
from birthmark.witnesses.weights.in_place import hidden
from birthmark.witnesses.weights.units import LEAST, directions, nearest

COLOURS = 4
"""Most inputs of a layer that takes an image."""
LOOKED_AT = 64
"""Units by which it is judged how well two layers match."""
LAYERS = 16
"""Most layers that are matched."""


@dataclass(frozen=True)
class Matched:
    """Two layers whose units were matched.

    Attributes
    ----------
    victim, suspect
        Their names.
    alike
        Mean cosine of the suspect's units and the victim's nearest, 0 to 1.
    units, in_order
        The suspect's units, and the longest run of them that comes in the victim's order.
    inputs, agreeing
        Of its inputs that were looked at: how many go with the same unit of the victim by what they
        are made of, in the layer before, and by what is made of them, in this one.
    """

    victim: str
    suspect: str
    alike: float
    units: int
    in_order: int
    inputs: int
    agreeing: int


@dataclass(frozen=True)
class Matching:
    """All layers that were matched.

    Attributes
    ----------
    layers
        In the order of their matching.
    """

    layers: Sequence[Matched]

    @property
    def log_p_in_order(self) -> float:
        """Logarithm of the p-value of the order, which is exact as that of places is.

        Of m units in a uniform order, k given ones are in the right one with probability 1 / k!,
        so a run of k is expected C(m, k) / k! times at most.
        """
        return self._least(
            log(comb(one.units, one.in_order)) + log_chance(one.in_order) for one in self.layers
        )

    @property
    def log_p_agreeing(self) -> float:
        """Logarithm of the p-value of agreement, where the order is lost.

        It takes that in two independent networks, units that resemble each other by their inputs
        resemble each other by their outputs no more than chance has it. That is not proven:
        docs/weights.md has how far it holds.
        """
        return self._least(log_chance(one.agreeing) for one in self.layers)

    def _least(self, logs: Iterator[float]) -> float:
        return min(0.0, min(logs, default=0.0) + log(max(1, len(self.layers))))


@dataclass(frozen=True)
class _Space:
    """What goes with what in one set of units: the victim's place, for each of the suspect's."""

    victims: int
    places: NDArray[np.int64]


@dataclass(frozen=True)
class _Candidate:
    alike: float
    victim: int
    suspect: int
    space: _Space


def matching(victim: Sequence[Tensor], suspect: Sequence[Tensor]) -> Matching | None:
    """Match layers as long as there are some that take what was matched; None if none begins."""
    own, others = hidden(victim), hidden(suspect)
    begun = _beginning(own, others)
    if begun is None:
        return None
    first, mine, its = begun
    spaces = [first]
    matched: list[Matched] = []
    candidates: list[_Candidate] = []
    left_own, left_others = set(range(len(own))) - {mine}, set(range(len(others))) - {its}
    while spaces and len(matched) < LAYERS:
        candidates += _candidates(own, others, spaces.pop(), left_own, left_others)
        candidates = [c for c in candidates if c.victim in left_own and c.suspect in left_others]
        if not candidates:
            break
        best = max(candidates, key=lambda one: one.alike)
        left_own.discard(best.victim)
        left_others.discard(best.suspect)
        mine_, its_ = own[best.victim], others[best.suspect]
        found, space = _matched(mine_, its_, best.space)
        matched.append(found)
        spaces.append(space)
    return Matching(matched) if matched else None


def _beginning(own: Sequence[Tensor], others: Sequence[Tensor]) -> tuple[_Space, int, int] | None:
    """The units of the two layers that take an image and are most alike."""
    found: list[tuple[float, int, int, NDArray[np.int64]]] = []
    for i, one in enumerate(own):
        for j, other in enumerate(others):
            mine, its = one.values.shape[1:], other.values.shape[1:]
            if mine == its and mine[0] <= COLOURS and len(mine) > 1 and not _by_itself(one, own):
                places, alike = nearest(directions(one.values), directions(other.values))
                found.append((float(alike.mean()), i, j, places))
    if not found:
        return None
    _, i, j, places = max(found, key=lambda one: one[0])
    return _Space(len(own[i].values), places), i, j


def _by_itself(one: Tensor, layers: Sequence[Tensor]) -> bool:
    """Whether it is a depthwise convolution: one input a unit, where images have more colours."""
    return one.values.shape[1] == 1 and any(
        1 < other.values.shape[1] <= COLOURS and other.values.ndim == 4 for other in layers
    )


def _candidates(
    own: Sequence[Tensor],
    others: Sequence[Tensor],
    space: _Space,
    left_own: set[int],
    left_others: set[int],
) -> Iterator[_Candidate]:
    """Every two layers that may take these units, and how alike they then are."""
    for i in sorted(left_own):
        mine = own[i].values
        if mine.shape[1] != space.victims or mine.shape[1] < LEAST:
            continue
        rows = directions(mine[:, space.places])
        for j in sorted(left_others):
            its = others[j].values
            if its.shape[1] != len(space.places) or its.shape[2:] != mine.shape[2:]:
                continue
            _, alike = nearest(rows, directions(its)[:LOOKED_AT])
            yield _Candidate(float(alike.mean()), i, j, space)


def _matched(mine: Tensor, its: Tensor, space: _Space) -> tuple[Matched, _Space]:
    kernels = mine.values[:, space.places]
    places, alike = nearest(directions(kernels), directions(its.values))
    inputs, agreeing = _agreement(mine.values, its.values, space)
    found = Matched(
        victim=mine.name,
        suspect=its.name,
        alike=float(alike.mean()),
        units=len(places),
        in_order=_longest(places),
        inputs=inputs,
        agreeing=agreeing,
    )
    return found, _Space(len(mine.values), places)


def _agreement(
    mine: NDArray[np.float32], its: NDArray[np.float32], space: _Space
) -> tuple[int, int]:
    """Match units by half of the inputs, then the other inputs by these units.

    The match of the inputs that came from the layer before is not used for those that are counted,
    and no unit of the victim counts twice.
    """
    known, asked = np.arange(0, its.shape[1], 2), np.arange(1, its.shape[1], 2)
    asked = asked[np.unique(space.places[asked], return_index=True)[1]]
    places, _ = nearest(directions(mine[:, space.places[known]]), directions(its[:, known]))
    found = places >= 0
    if found.sum() < LEAST:
        return len(asked), 0
    left = _by_input(mine[places[found]])
    right = _by_input(its[found][:, asked])
    guessed, _ = nearest(left, right)
    return len(asked), int(((guessed == space.places[asked]) & (guessed >= 0)).sum())


def _by_input(kernels: NDArray[np.float32]) -> NDArray[np.float32]:
    """For each input what all units make of it, units scaled to length 1."""
    lengths = np.linalg.norm(kernels.reshape(len(kernels), -1), axis=1)
    scaled = kernels / np.maximum(lengths, 1e-30).reshape(-1, *[1] * (kernels.ndim - 1))
    return directions(np.moveaxis(scaled, 1, 0))


def _longest(places: NDArray[np.int64]) -> int:
    """Length of the longest increasing run in these, of which some may be left out."""
    ends: list[int] = []
    for place in places[places >= 0].tolist():
        i = bisect_left(ends, place)
        ends[i : i + 1] = [place]
    return len(ends)
