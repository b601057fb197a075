"""Whether a model is one more draw of the population that references stand for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

Matrix = NDArray[np.float64]

RIDGE = 0.03
"""As the score's, `partial0.03`."""
BETWEEN = 2.0
"""Variance between lineages over variance within one, as measured: .7 to 4.4."""
MAKER = 0.5
"""Standard deviation, in log odds, of what another maker's data and recipe add."""
LIMIT = 0.01
STRANGE = 0.85
"""References that explain less than 15% of each other are no population: guessers, for one."""
LEAST = 2
"""References that it takes."""


class Fit(BaseModel):
    """How a model stands among references.

    Every model's share is what the others of the pool do not explain: 1 / the diagonal of the
    precision matrix of all models' answers, as the score `partial` computes it. Under the null all
    members of the pool are exchangeable. The log odds of shares are compared: an innocent's is the
    mean of its lineage, its own deviation and what its maker adds, whose spread is known
    beforehand, since honest owners do differ from references.

    Source: ours. Own error rates and what it stops: benchmarks/population.md.

    Attributes
    ----------
    times
        How many times as unexplained as the references are (a ratio of odds, over 0).
    high
        The chance that one more model of the population is as unexplained, 0 to 1.
    low
        The chance that one is explained as well.
    usual
        The references' own share that the others do not explain, at their centre.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    times: float
    high: float
    low: float
    usual: float

    @property
    def fits(self) -> bool:
        """Whether the references may stand for it."""
        return min(self.high, self.low) > LIMIT and self.usual < STRANGE

    @property
    def sentence(self) -> str:
        """What it says, as the end of a sentence that begins with the model's name."""
        if self.usual >= STRANGE:
            return (
                f"cannot be compared with the references, since these have nothing in common:"
                f" {self.usual:.0%} of each is left unexplained by the others"
            )
        p = f"p = {max(min(self.high, self.low), 1e-6):.1g}"
        if self.fits:
            return (
                f"fits the references: they leave {self.times:.1f} times as much of it"
                f" unexplained as of each other"
            )
        if self.high <= LIMIT:
            return (
                f"is unlike the references: they leave {self.times:.1f} times as much of it"
                f" unexplained as of each other ({p})"
            )
        return (
            f"is explained far better by the references than they are by each other ({p}): their"
            f" answers are noisy, or they learnt little"
        )


def fit(correlations: Matrix, lineages: Sequence[str | None], ridge: float = RIDGE) -> Fit | None:
    """How the first model of a pool stands among the others.

    Generalised least squares with a variance between lineages of `BETWEEN` times that within; the
    model is of a lineage of its own. Student's t; its degrees of freedom grow with the share of the
    variance that is known beforehand, so that three references can show a misfit.

    Parameters
    ----------
    correlations
        Of all models' answers, (1 + n, 1 + n), the model in question first
        (`birthmark.scores.partial.correlations`). The victim is not among them where a suspect is
        in question.
    lineages
        Of the n references; those of None count as one lineage.
    ridge
        Added to the diagonal.

    Returns
    -------
    Fit or None
        None with fewer than two references.
    """
    n = len(lineages)
    if n < LEAST:
        return None
    shares = 1 / np.diag(np.linalg.inv(correlations + ridge * np.eye(1 + n)))
    inside = np.clip(shares, 1e-9, 1 + ridge - 1e-3)
    own, *others = np.log(inside / (1 + ridge - inside))
    return judged(float(own), np.array(others), lineages, ridge)


def judged(
    own: float, others: NDArray[np.float64], lineages: Sequence[str | None], ridge: float = RIDGE
) -> Fit:
    """How log odds of a model's unexplained share stand among the references', (n,)."""
    from scipy.special import stdtr

    n = len(lineages)
    names = np.array(["" if one is None else one for one in lineages])
    weights = np.linalg.inv(np.eye(n) + BETWEEN * (names[:, None] == names))
    total = weights.sum()
    centre = weights.sum(axis=0) @ others / total
    rest = others - centre
    estimated = rest @ weights @ rest / (n - 1) * (1 + BETWEEN + 1 / total)
    variance = estimated + MAKER**2
    degrees = min((n - 1) * variance / max(estimated, 1e-12), 1e6)
    far = (own - centre) / np.sqrt(variance)
    return Fit(
        times=float(np.exp(own - centre)),
        high=float(stdtr(degrees, -far)),
        low=float(stdtr(degrees, far)),
        usual=float((1 + ridge) / (1 + np.exp(-centre))),
    )
