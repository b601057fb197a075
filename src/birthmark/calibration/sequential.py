"""A test that may stop as soon as it is sure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

import numpy as np
from numpy.typing import NDArray

from birthmark.calibration.conformal import references_needed, smallest_p
from birthmark.calibration.lineages import held_rate, lineage_rate
from birthmark.common.errors import BirthmarkError

THRESHOLD = 4.0
"""How far from the pool's middle a model must be to be called before the last look."""
LEAD = 1.0
"""How far from the next model it must be then."""
NORMAL = 1.4826
"""Standard deviation of normal numbers, in median absolute deviations."""


class Sequential:
    """Calls a suspect derived at any of several looks, at a rate that holds over all of them.

    The pool is the suspect and n reference models. Probes are put in batches, and after each batch
    (a look) every member has a number from a score that treats all members alike. Let S_k be the
    members called up to look k. S_k depends on the answers up to then only, never loses a member,
    never has more than m = floor(alpha (n + 1)), and is chosen without regard to who is the
    suspect: if members change places, so do those called. The suspect is called derived at the
    first look at which S_k holds it.

    *Why the rate holds.* The suspect is called at some look if and only if S_K, K the last look,
    holds it, or would have held it had the asking gone on. If an innocent suspect is exchangeable
    with the references - all their answers, to all batches, taken together - every member is as
    likely to be in S_K, so the chance is E|S_K| / (n + 1) <= m / (n + 1) <= alpha. This takes no
    distribution, allows for any dependence between looks, and pays nothing for their number. It
    bounds a stop at any look, whatever the reason for it. It takes batches, the number of looks and
    the threshold to be fixed before the first answer: whoever makes a look the last because the
    suspect is ahead breaks it. The bound comes from the number of references alone; no number of
    queries lowers it.

    *How the budget m is spent.* The unit is the pool's robust standard deviation, 1.4826 median
    absolute deviations. Before the last look, while there is budget, the closest member not yet
    called is called if it is nearer than the pool's median by more than `threshold` and nearer than
    the next such member by more than `lead`; nobody is if the deviation is 0. At the last look what
    is left goes to the closest members not yet called. Members tied at the end of the budget are
    not called, so ties count against the accusation. A test of a single look is
    `conformal_p` <= alpha.

    *Within lineages.* An innocent suspect of lineage f may be exchangeable with the references of f
    only. So for each lineage a set S_k^f is kept among its references and the suspect, by the same
    numbers and in the same way, with a budget of floor(max(alpha, 1 / (n_f + 1)) (n_f + 1)); and
    the suspect is called at the first look at which S_k and every S_k^f hold it. The numbers, the
    pool's median and its deviation stay the same when members of f change places, so the argument
    above applies to S_k^f, given all others: whichever lineage an innocent is of, it is called
    at a rate of at most `rates[f]`. (The deviation is the whole pool's since that of a lineage of
    one or two references tells nothing.)

    Source: ours. It spends a budget of errors over looks as Lan and DeMets do (Biometrika 70,
    1983), but of calls within the pool, not of probability.

    Parameters
    ----------
    references
        n.
    alpha
        The largest false-positive rate to accept, 1 / (n + 1) to 1, the latter excluded.
    lineages
        The references' lineages, in their order, None where not stated; or empty.
    threshold, lead
        As above, at least 0; fixed beforehand.

    Attributes
    ----------
    budget
        m.
    rate
        m / (n + 1): the rate that holds.
    rates
        By lineage, the rate that holds for an innocent suspect of it.
    looks
        How many there were.
    called
        Whether the suspect has been called.

    Raises
    ------
    BirthmarkError
        If alpha is out of range.
    """

    def __init__(
        self,
        references: int,
        alpha: float,
        lineages: Sequence[str | None] = (),
        threshold: float = THRESHOLD,
        lead: float = LEAD,
    ) -> None:
        if not 0 < alpha < 1:
            raise BirthmarkError("alpha", f"is {alpha}", "pass a rate between 0 and 1")
        if smallest_p(references) > alpha:
            raise BirthmarkError(
                f"alpha = {alpha}",
                f"can't be reached with {references} reference models, at any number of queries",
                f"take {references_needed(alpha)} reference models or more",
            )
        if lineages and len(lineages) != references:
            raise BirthmarkError(
                "lineages", f"are {len(lineages)} for {references} models", "name one for each"
            )
        named = sorted({lineage for lineage in lineages if lineage is not None})
        of = {f: np.array([True, *(lineage == f for lineage in lineages)]) for f in named}
        self.rate = held_rate(alpha, references)
        self.rates = {f: lineage_rate(alpha, int(of[f].sum()) - 1) for f in named}
        self._whole = _Chosen(np.ones(references + 1, bool), self.rate)
        self._sets = [self._whole, *(_Chosen(of[f], self.rates[f]) for f in named)]
        self.budget = self._whole.budget
        self.threshold = threshold
        self.lead = lead
        self.looks = 0
        self.called = False
        self._ended = False

    def look(self, numbers: Sequence[float], *, last: bool) -> bool:
        """Take the pool's numbers after one more batch.

        Parameters
        ----------
        numbers
            n + 1 finite ones, the suspect's first, then the references'; smaller is closer.
        last
            Whether this is the last look, as fixed before the first.

        Returns
        -------
        bool
            Whether the suspect is called, at this look or before.

        Raises
        ------
        BirthmarkError
            If the last look is over, or these are not so many finite numbers.
        """
        if self._ended:
            raise BirthmarkError("a look", "comes after the last one", "start a new test")
        pool = np.asarray(numbers, np.float64)
        size = self._whole.members.size
        if pool.shape != (size,) or not np.isfinite(pool).all():
            raise BirthmarkError(
                "numbers", f"are {pool.size}, or not finite", f"pass {size} finite ones"
            )
        self.looks += 1
        self._ended = last
        middle = median(pool.tolist())
        deviation = NORMAL * median(np.abs(pool - middle).tolist())
        for one in self._sets:
            if last:
                one.spend(pool)
            elif deviation > 0:
                one.lead(pool, middle - self.threshold * deviation, self.lead * deviation)
        self.called = all(one.called[0] for one in self._sets)
        return self.called


class _Chosen:
    """The members called so far among some of the pool."""

    def __init__(self, members: NDArray[np.bool_], rate: float) -> None:
        self.members = members
        self.budget = round(rate * int(members.sum()))
        self.called = np.zeros_like(members)

    @property
    def left(self) -> int:
        """How many may still be called: always fewer than there are to call."""
        return self.budget - int(self.called.sum())

    def lead(self, numbers: NDArray[np.float64], below: float, by: float) -> None:
        """Call the closest while it is below a number and leads the next by more than another."""
        waiting = self._waiting(numbers)
        for one, following in pairwise(waiting[: self.left + 1]):
            if numbers[one] >= below or numbers[following] - numbers[one] <= by:
                break
            self.called[one] = True

    def spend(self, numbers: NDArray[np.float64]) -> None:
        """Call the closest, as many as may be, but none tied with one that may not."""
        waiting = self._waiting(numbers)
        end = numbers[waiting[self.left]]
        self.called[[one for one in waiting if numbers[one] < end]] = True

    def _waiting(self, numbers: NDArray[np.float64]) -> list[int]:
        """Places of the members not yet called, the closest first."""
        places = np.flatnonzero(self.members & ~self.called)
        ordered: list[int] = places[np.argsort(numbers[places])].tolist()
        return ordered
