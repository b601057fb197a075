"""Whether the suspect's units are the victim's in the victim's order: the exact test.

Whoever trains a network with weights drawn at random might as well have had the same network with
its hidden units in any other order: that training goes the same way but for the order. So of an
independent victim each order of a layer's units is as likely as any other, whatever the suspect is.

Source: Zhu et al., "Independence Tests for Language Models", ICML 2025, arXiv 2502.12292, who
permute units and count; here the chance of as many units in their place is bounded instead.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np

from birthmark.models.weights import Tensor
from birthmark.witnesses.weights.bound import log_chance
from birthmark.witnesses.weights.units import LEAST, MOST, Rows, directions, nearest


@dataclass(frozen=True)
class InPlace:
    """What comparing every two layers of one shape showed.

    Attributes
    ----------
    pairs
        How many pairs of layers were compared.
    log_p
        Natural logarithm of the p-value: the least pair's, times the number of pairs.
    victim, suspect
        That pair's layers.
    units, hits
        How many units were looked at, and how many stand at the place of the victim's nearest.
    """

    pairs: int
    log_p: float
    victim: str
    suspect: str
    units: int
    hits: int


def hidden(tensors: Sequence[Tensor]) -> list[Tensor]:
    """The layers whose units are hidden ones, so that their order means nothing.

    Left out are matrices whose units nothing else takes, as those of the last layer: these are
    classes, whose order is given.
    """
    taken = {one.values.shape[1] for one in tensors}
    kept = []
    for one in tensors:
        units, numbers = len(one.values), one.values[0].size
        consumed = one.values.ndim > 2 or any(t % units == 0 for t in taken)
        if units >= LEAST and numbers >= LEAST and consumed:
            kept.append(one)
    return kept


def in_place(victim: Sequence[Tensor], suspect: Sequence[Tensor]) -> InPlace | None:
    """Compare every two layers of one shape; None if there are none.

    Where a layer has as many units as inputs, these may be the same ones, so that its diagonal is
    no matter of chance. Of such only every other unit is looked at, by the inputs between.
    """
    shapes: dict[tuple[int, ...], tuple[list[Tensor], list[Tensor]]] = defaultdict(lambda: ([], []))
    for side, tensors in enumerate((victim, suspect)):
        for one in hidden(tensors):
            shapes[one.values.shape][side].append(one)
    found: list[tuple[int, int, str, str]] = []
    for own, others in shapes.values():
        if not own or not others:
            continue
        mine = [_rows(one) for one in own]
        for other in others:
            theirs = _rows(other)[:MOST]
            for one, rows in zip(own, mine, strict=True):
                places, _ = nearest(rows, theirs)
                hits = int((places == np.arange(len(theirs))).sum())
                found.append((hits, len(theirs), one.name, other.name))
    if not found:
        return None
    hits, units, mine_name, its_name = max(found)
    log_p = min(0.0, log_chance(hits) + log(len(found)))
    return InPlace(len(found), log_p, mine_name, its_name, units, hits)


def _rows(one: Tensor) -> Rows:
    kernels = one.values
    if kernels.shape[0] == kernels.shape[1]:
        kernels = kernels[::2, 1::2]
    return directions(kernels)
