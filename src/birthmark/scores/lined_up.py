"""Class numbers of models found among those of another, where they name their classes otherwise."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from birthmark.common.digests import sha256
from birthmark.data.outputs import Kind, Outputs

DEVIATIONS = 2.0
"""By so many a model agrees with the victim more than chance does, where it keeps its names.

With 3, one of 20 innocents too often does not, and the whole pool is matched, which costs power."""
OF_ALL = 1.0
"""The same of a pool's mean agreement, which varies less than one model's does."""
LEAST = 2
"""And on so many probes: one agrees by accident, among thousands of classes too."""
POOL = 5
"""Fewer models have no common answer."""
PROBES_A_CLASS = 5
"""From so many on a better order of classes tells; with fewer it fits noise."""
PLAUSIBLE = 0.4
"""And so much of what the best order agrees on the names as they are must agree on."""
MOST = 1024
"""So many classes at most are matched, the most telling ones."""

Places = NDArray[np.intp]


def lined_up(victim: Outputs, pool: Sequence[Outputs]) -> list[Outputs]:
    """A pool's answers with the victim's classes in the victim's order.

    If all keep their names (`all_keep_names`), nothing is moved. If one does not, the classes of
    every model of the pool are matched with the victim's, from shuffled ones: so an innocent whose
    classes are called otherwise is treated as the references are, since matching fits noise too
    where there are many classes.

    Source: ours. What it costs and finds: benchmarks/labels.md.

    Parameters
    ----------
    victim, pool
        Answers to the same probes, of one kind that tells classes, and of as many classes.
    """
    if all_keep_names(victim, pool):
        return list(pool)
    return [ordered(model, order_of(victim, model)) for model in pool]


def all_keep_names(
    victim: Outputs, pool: Sequence[Outputs], kept: Sequence[bool] | None = None
) -> bool:
    """Whether every model of a pool names its classes as the victim does.

    A model does if it agrees with the victim above chance; or, where the pool as a whole does, if
    it agrees above chance with what most of the pool answer. Few probes, and those that the victim
    gets wrong, tell little of one model and the victim, but enough of all together.

    Parameters
    ----------
    victim, pool
        Answers to the same probes, of as many classes.
    kept
        What `keeps_names` says of each, if that is known.
    """
    kept = [keeps_names(victim, one) for one in pool] if kept is None else kept
    if all(kept) or len(pool) < POOL:
        return all(kept)
    labels = np.stack([one.predicted() for one in pool])
    n, mine = len(victim), victim.predicted()
    agree = float((labels == mine).sum(axis=1).mean())
    share = np.bincount(mine, minlength=victim.classes) @ np.bincount(
        labels.ravel(), minlength=victim.classes
    )
    if agree <= _limit(n, float(share) / n / labels.size, OF_ALL):
        return False
    from scipy.stats import mode

    most = Outputs(mode(labels, axis=0).mode.astype(np.int64), Kind.LABELS, victim.classes)
    return all(keep or keeps_names(most, one) for keep, one in zip(kept, pool, strict=True))


def _limit(n: int, chance: float, deviations: float = DEVIATIONS) -> float:
    """On so many of n probes shuffled answers agree at most, but for some deviations."""
    return n * chance + deviations * math.sqrt(n * chance * (1 - chance))


def keeps_names(victim: Outputs, model: Outputs) -> bool:
    """Whether a model's predicted classes agree with the victim's above chance.

    That is by more than two standard deviations of shuffled answers; where there are five probes
    a class, also on at least .4 of what the best renaming agrees on, so that a model that renamed
    most of few classes is found.
    """
    mine, theirs = victim.predicted(), model.predicted()
    n, classes = len(mine), max(victim.classes, model.classes)
    agree = int((mine == theirs).sum())
    counts = [np.bincount(one, minlength=classes).astype(np.float64) for one in (mine, theirs)]
    chance = float(counts[0] @ counts[1]) / max(1, n) ** 2
    if agree < LEAST or agree <= _limit(n, chance):
        return False
    if n < PROBES_A_CLASS * classes:
        return True
    from scipy.optimize import linear_sum_assignment

    cells = np.zeros((classes, classes))
    np.add.at(cells, (mine, theirs), 1)
    return agree >= PLAUSIBLE * float(cells[linear_sum_assignment(cells, maximize=True)].sum())


def order_of(victim: Outputs, model: Outputs) -> Places:
    """The order of a model's classes in which they fit the victim's best, from a shuffled one.

    Column k of the victim goes with column `order[k]` of the model. The shuffle is drawn by the
    model's answers, so that neither its names nor its place in a pool count.
    """
    from scipy.optimize import linear_sum_assignment

    classes = victim.classes
    rng = np.random.default_rng(int(sha256(model.digest.encode())[7:23], 16))
    shuffled = rng.permutation(classes)
    mine, rows = _telling(victim, np.arange(classes))
    theirs, columns = _telling(model, shuffled)
    at, to = linear_sum_assignment(mine.T @ theirs, maximize=True)
    order = np.full(classes, -1, dtype=np.intp)
    order[rows[at]] = columns[to]
    order[order < 0] = shuffled[~np.isin(shuffled, columns[to])]
    return order


def _telling(outputs: Outputs, order: Places) -> tuple[NDArray[np.float32], Places]:
    """The columns that vary most, in this order, centred and of length one; and which they are."""
    if outputs.kind is Kind.LABELS:
        chosen = order[np.isin(order, outputs.values)]
        columns = (outputs.values[:, None] == chosen).astype(np.float32)
    else:
        chosen, columns = order, outputs.favour()[:, order].astype(np.float32)
    columns -= columns.mean(axis=0)
    lengths = np.sqrt((columns * columns).sum(axis=0))
    if len(chosen) > MOST:
        most = np.sort(np.argsort(-lengths, kind="stable")[:MOST])
        chosen, columns, lengths = chosen[most], columns[:, most], lengths[most]
    columns /= np.where(lengths > 0, lengths, 1)
    return columns, chosen


def ordered(outputs: Outputs, order: Places) -> Outputs:
    """A model's answers with its classes in an order that `order_of` found."""
    if outputs.kind is Kind.LABELS:
        return Outputs(np.argsort(order)[outputs.values], outputs.kind, outputs.classes)
    return Outputs(outputs.values[:, order], outputs.kind, outputs.classes)
