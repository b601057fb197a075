"""The verdict of several witnesses, at one rate."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from birthmark.audit.testimony import Testimony
from birthmark.audit.verdict import Verdict

MOST = 3
"""The resemblance of answers, the weights, and what was shuffled."""


class Joint(BaseModel):
    """What the witnesses say together.

    Attributes
    ----------
    alpha
        The false-positive rate that was asked for, of all together.
    asked
        How many witnesses were asked: that was settled before any answered.
    level
        alpha / asked: what each must reach.
    verdict
        derived, if one does; otherwise what the resemblance of answers says.
    by
        Which do.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    alpha: float = Field(gt=0, lt=1)
    asked: int = Field(ge=2, le=MOST)
    level: float
    verdict: Verdict
    by: list[str]

    @property
    def sentence(self) -> str:
        """The rule and its outcome."""
        rate = (
            f"{self.asked} witnesses were asked, each held to p <= {self.level:.2g}, so together"
            f" they accuse an unrelated model at most {100 * self.alpha:g}% of the time."
        )
        if not self.by:
            return f"No witness accuses the suspect. {rate}"
        said = " and ".join(self.by)
        return f"The suspect is called derived by {said}. {rate}"


def joint(
    resemblance: Verdict, testimonies: Sequence[Testimony], alpha: float, accusing: Sequence[bool]
) -> Joint:
    """The verdict of all witnesses.

    Each is held against alpha divided by their number (Bonferroni), whatever they have to do with
    each other; their p-values are not multiplied. One that could say nothing counts as asked.

    Parameters
    ----------
    resemblance
        The verdict by answers to probes, at `level(alpha, ...)`.
    testimonies
        Of the other witnesses that were asked.
    alpha
        The rate of all together.
    accusing
        Of each testimony, whether it may accuse: that of weights may not where both may have begun
        from a public checkpoint.
    """
    each = level(alpha, len(testimonies))
    by = ["the resemblance of its answers"] if resemblance is Verdict.DERIVED else []
    by += [
        {"weights": "its weights", "shuffled": "what it knows of the split"}[one.witness]
        for one, may in zip(testimonies, accusing, strict=True)
        if may and one.p_value is not None and one.p_value <= each
    ]
    return Joint(
        alpha=alpha,
        asked=1 + len(testimonies),
        level=each,
        verdict=Verdict.DERIVED if by else resemblance,
        by=by,
    )


def level(alpha: float, others: int) -> float:
    """What each witness must reach, if so many are asked beside the resemblance of answers."""
    return alpha / (1 + others)
