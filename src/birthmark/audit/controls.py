"""Whether a suspect is close to the victim, or to everyone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from birthmark.calibration import called, conformal_p, lineage_rate
from birthmark.data.outputs import Outputs
from birthmark.scores import Score

MOST_PROBES = 200
"""So many probes at most are compared, the first ones."""
PERMUTATIONS = 19
SHARE = 0.25
"""From so many stand-ins, a suspect may be called derived without being close to everyone."""


class Controls(BaseModel):
    """The same comparison with something else in the victim's place.

    Attributes
    ----------
    stand_ins
        How many reference models took the victim's place, one at a time.
    close_to
        From how many of them the suspect would be called derived, by its rank among the others.
    permutations
        How often the victim's answers were dealt to other probes.
    permuted_as_close
        To how many of these the suspect is as close as to the victim's answers in their order.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    stand_ins: int
    close_to: int
    permutations: int
    permuted_as_close: int

    @property
    def passed(self) -> bool:
        """Whether the suspect is close to the victim and to few others."""
        return self.close_to <= SHARE * self.stand_ins and not self.permuted_as_close

    @property
    def sentence(self) -> str:
        """What came of it."""
        return (
            f"Specificity check: with each of the {self.stand_ins} references in the victim's"
            f" place, the suspect matched {self.close_to or 'none'} (more than"
            f" {int(SHARE * self.stand_ins)} would block the verdict). Chance check: with the"
            f" victim's answers shuffled among the probes, {self.permuted_as_close or 'none'} of"
            f" {self.permutations} shuffles {'was' if self.permuted_as_close == 1 else 'were'} as"
            " close (any would block it)."
        )


def controls(
    score: Score,
    victim: Outputs,
    suspect: Outputs,
    references: Sequence[Outputs],
    alpha: float,
    lineages: Sequence[str | None] | None = None,
    seed: int = 0,
) -> Controls:
    """Put every reference, and permuted answers, in the victim's place.

    Parameters
    ----------
    score
        The method's.
    victim, suspect, references
        Answers of one kind to the same probes.
    alpha
        The rate asked for.
    lineages
        The references', by the rule `unseen`; None by the rule `rank`, where the smallest rate that
        the others can reach is asked for if they are too few for alpha.
    seed
        Deals the answers.
    """
    most = MOST_PROBES - MOST_PROBES % score.block
    victim, suspect, *others = (one.first(most) for one in (victim, suspect, *references))

    score, (suspect, *others) = score.settled(victim, [suspect, *others])
    dealt = list(_permuted(victim, score.block, seed))
    numbers = score.among([suspect, *others, victim, *dealt])
    pool = range(1 + len(others))
    first = len(pool)

    def close(i: int) -> bool:
        number, *rest = numbers(1 + i, [place for place in pool if place != 1 + i])
        if lineages is None:
            return conformal_p(number, rest) <= lineage_rate(alpha, len(rest))
        return called(number, rest, [*lineages[:i], *lineages[i + 1 :]], lineages[i], alpha)

    true = numbers(first, pool)[0]
    return Controls(
        stand_ins=len(others),
        close_to=sum(close(i) for i in range(len(others)) if len(others) > 1),
        permutations=PERMUTATIONS,
        permuted_as_close=sum(numbers(first + 1 + i, pool)[0] <= true for i in range(len(dealt))),
    )


def _permuted(victim: Outputs, block: int, seed: int) -> Iterator[Outputs]:
    """Probes that belong together stay together."""
    rng = np.random.default_rng(seed)
    places = np.arange(len(victim)).reshape(-1, block)
    for _ in range(PERMUTATIONS):
        dealt = places[rng.permutation(len(places))].ravel()
        yield Outputs(victim.values[dealt], victim.kind, victim.classes)
