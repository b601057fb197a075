"""Whether the references are alike enough to stand for an innocent suspect."""

from __future__ import annotations

from collections.abc import Sequence

import scipy
from pydantic import BaseModel, ConfigDict

from birthmark.bundle import Bundle
from birthmark.calibration import called
from birthmark.calibration.lineages import LEAST
from birthmark.scores.methods import common_kind, method

ALPHA = 0.01
"""As an audit's."""
CLOSER = 0.01
"""The level of the test for a lineage that is systematically closer, shared by all lineages."""


class LineageLeftOut(BaseModel):
    """The references of one lineage, judged as if the others were all there are.

    Attributes
    ----------
    lineage
        Its name.
    references
        How many there are.
    accused
        How many of them would be called derived.
    closer
        Whether they are systematically closer to the victim than the others (Mann-Whitney).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    lineage: str
    references: int
    accused: int
    closer: bool


class LeftOut(BaseModel):
    """The references' own false-positive rates.

    Attributes
    ----------
    alpha
        The rate that was asked for.
    references
        How many there are.
    accused
        How many would be called derived by all the others.
    lineages
        The same with a whole lineage left out; empty if fewer than two lineages are stated.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    alpha: float
    references: int
    accused: int
    lineages: list[LineageLeftOut]

    @property
    def sentences(self) -> list[str]:
        """What it says, in plain words."""
        said = [
            f"If each reference is judged by all the others, at {self.alpha:g}, {self.accused} of"
            f" {self.references} would be called derived."
        ]
        said += [
            f"With the lineage {one.lineage} left out of the references, {one.accused} of its"
            f" {one.references} models would be close enough for an accusation"
            + (": it is systematically closer to the victim." if one.closer else ".")
            for one in self.lineages
            if one.accused or one.closer
        ]
        if self.lineages and len(said) == 1:
            said.append("With its own lineage left out, none would be.")
        return said


def left_out(bundle: Bundle, alpha: float = ALPHA) -> LeftOut:
    """Judge every reference by the others, and by those of other lineages.

    The second rate is what to expect for an innocent suspect of a lineage that is not among the
    references.

    Parameters
    ----------
    bundle
        The fingerprint.
    alpha
        The false-positive rate asked for.
    """
    score = method(bundle.manifest.method).score
    kind = common_kind([one.kind for one in (bundle.victim, *bundle.references)], score)
    references = [one.to(kind) for one in bundle.references]
    numbers = score.pools(bundle.victim.to(kind), references)
    names = [one.lineage for one in bundle.manifest.references]
    everyone = range(len(references))

    def accused(place: int, others: Sequence[int]) -> bool:
        own, *theirs = numbers([place, *others])
        lineages = [names[i] for i in others]
        return called(own, theirs, lineages, bundle.manifest.victim.lineage, alpha)

    alone = [accused(i, [j for j in everyone if j != i]) for i in everyone]
    lineages = sorted({name for name in names if name is not None})
    pool = numbers(everyone)
    found = []
    for lineage in lineages if len(lineages) > 1 else []:
        inside = [i for i in everyone if names[i] == lineage]
        others = [i for i in everyone if names[i] != lineage]
        closer = scipy.stats.mannwhitneyu(
            [pool[i] for i in inside], [pool[i] for i in others], alternative="less"
        )
        found.append(
            LineageLeftOut(
                lineage=lineage,
                references=len(inside),
                accused=sum(accused(i, others) for i in inside),
                closer=len(inside) >= LEAST and bool(closer.pvalue <= CLOSER / len(lineages)),
            )
        )
    return LeftOut(alpha=alpha, references=len(references), accused=sum(alone), lineages=found)
