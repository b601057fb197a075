"""How much more probable a distance is if a model is derived than if it is independent."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

Start = Literal["random", "checkpoint"]
FORMAT = "birthmark-strength/1"
SCALE = (
    (1e6, "extremely strong"),
    (1e4, "very strong"),
    (1e3, "strong"),
    (1e2, "moderately strong"),
    (10, "moderate"),
    (2, "weak"),
)
"""Words for a likelihood ratio from so much on (ENFSI, 2015)."""
LEAST_P = 1e-12
TINY = 1e-9
ENOUGH = 0.95
"""Of copies so many must have been found, for a suspect to be called independent."""


class Thieves(BaseModel):
    """What is known of one kind of them, on populations whose history is known.

    Attributes
    ----------
    intercept, slope
        Of the likelihood ratio's natural logarithm as a line in the deviations.
    low, high
        The ratio is never below or above these: what so many models support.
    count
        How many thieves it was fitted on.
    nearness
        By population, their scores over the references' mean: 21 quantiles, 0, 5 .. 100%.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    intercept: float
    slope: float
    low: float
    high: float
    count: int
    nearness: dict[str, list[float]]

    def ratio(self, deviations: float) -> float:
        """The ratio at so many deviations."""
        logarithm = self.intercept + self.slope * deviations
        return math.exp(min(max(logarithm, math.log(self.low)), math.log(self.high)))

    def found(self, reach: float, populations: Sequence[str]) -> float:
        """The share of them that lies below a line, in the population where that is least.

        Parameters
        ----------
        reach
            The line's score over the references' mean.
        populations
            Which populations count.
        """
        each = (self.nearness[name] for name in populations if name in self.nearness)
        return min(
            (float(np.interp(reach, of, np.linspace(0, 1, len(of)), left=0)) for of in each),
            default=0.0,
        )


class Fitted(BaseModel):
    """What `benchmarks/strength.py` measured.

    Attributes
    ----------
    method
        On which score.
    populations
        Whose models it was, and whether the victim began from `random` weights or a `checkpoint`.
    innocents
        How many.
    copied
        For a suspect that was made of the victim's weights.
    extracted
        For one that learnt from the victim's answers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: str
    method: str
    populations: dict[str, Start]
    innocents: int
    copied: Thieves
    extracted: Thieves


class Strength(BaseModel):
    """A likelihood ratio, with what it rests on.

    The evidence is the prediction's p-value as standard deviations of the normal distribution,
    which is the same whatever references there are. Its logarithm is a line in them, fitted by
    logistic regression on the zoos' innocents and thieves, apart for copies and for models that
    learnt from answers, and bounded so that no ratio goes beyond what these few models support.

    Source: ENFSI guideline for evaluative reporting in forensic science (2015); bounds by Vergeer
    et al., Science and Justice 56 (2016) 482-491. How well it does: benchmarks/strength.md.

    Attributes
    ----------
    ratio
        How many times as probable this distance is if the suspect is derived, as often a copy as a
        model that learnt from answers, as if it is independent; below 1 it speaks for independent.
    if_copied, if_extracted
        The same for each kind.
    most
        No `ratio` is above this.
    innocents, thieves, populations
        How many models of how many populations it rests on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    ratio: float
    if_copied: float
    if_extracted: float
    most: float
    innocents: int
    thieves: int
    populations: int

    @property
    def words(self) -> str:
        """As ENFSI's verbal scale puts it, such as `moderate support for derived`."""
        times = max(self.ratio, 1 / self.ratio)
        for least, word in SCALE:
            if times >= least:
                return f"{word} support for {'derived' if self.ratio > 1 else 'independent'}"
        return "no support for either"

    @property
    def sentence(self) -> str:
        """What it says, and on what it rests."""
        likelier, other = (
            ("a derived", "an independent") if self.ratio >= 1 else ("an independent", "a derived")
        )
        return (
            f"Strength: {self.words}. This distance is {_times(self.ratio)} as likely for"
            f" {likelier} model as for {other} one (likelihood ratio {_factor(self.if_copied)} for"
            f" a copy, {_factor(self.if_extracted)} for a model that learnt from its answers)."
        )

    @property
    def basis(self) -> str:
        """On what it rests."""
        return (
            f"The likelihood ratio was measured on {self.innocents} independent and {self.thieves}"
            f" stolen models from {self.populations} populations of small networks. How strong the"
            f" evidence is called goes no further than {self.most:.0f} times, the most that so many"
            " models support. It is not the probability that the suspect was stolen: that also"
            " depends on everything else that is known."
        )


@cache
def fitted() -> Fitted:
    """What comes with the package."""
    text = files("birthmark.calibration").joinpath("strength.json").read_text(encoding="utf-8")
    return Fitted.model_validate_json(text)


def strength(p_value: float, share: float = 1.0) -> Strength:
    """The likelihood ratio at a p-value.

    Parameters
    ----------
    p_value
        The decisive prediction's, 0 to 1.
    share
        Of several looks, which share of alpha the last one taken had; a p-value that was looked for
        counts as so much larger.
    """
    far, known = evidence(min(1.0, p_value / share)), fitted()
    copied, extracted = known.copied.ratio(far), known.extracted.ratio(far)
    return Strength(
        ratio=(copied + extracted) / 2,
        if_copied=copied,
        if_extracted=extracted,
        most=(known.copied.high + known.extracted.high) / 2,
        innocents=known.innocents,
        thieves=known.copied.count + known.extracted.count,
        populations=len(known.populations),
    )


class Power(BaseModel):
    """Which thieves an audit would have found.

    A thief's score over the references' mean hardly depends on the references, so the zoos' own
    tell how many would have come to lie below the line of this audit.

    Attributes
    ----------
    copies
        The share of copies, fine-tuned or pruned or not, in the population where it is least.
    extractions
        The same of models that learnt from the victim's answers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    copies: float
    extractions: float

    @property
    def enough(self) -> bool:
        """Whether a suspect that was not found is hardly a copy."""
        return self.copies >= ENOUGH

    @property
    def sentence(self) -> str:
        """What it says."""
        return (
            f"This audit would have found {_share(self.copies)} of copies, fine-tuned and pruned"
            f" ones included, and {_share(self.extractions)} of models that learnt from its"
            f" answers."
        )


def power(line: float, references: Sequence[float], start: str) -> Power:
    """Which thieves would have been found by an audit.

    Parameters
    ----------
    line
        The score below which the suspect would have been called derived.
    references
        The references' scores.
    start
        What the victim's training began from; populations that began alike count.
    """
    kind: Start = "random" if start == "random" else "checkpoint"
    known = fitted()
    alike = [name for name, begun in known.populations.items() if begun == kind]
    reach = line / max(float(np.mean(references)), TINY)
    return Power(
        copies=known.copied.found(reach, alike), extractions=known.extracted.found(reach, alike)
    )


def evidence(p_value: float) -> float:
    """Standard deviations of the normal distribution that a p-value is; more than -8."""
    from scipy.special import ndtri

    return float(ndtri(min(max(p_value, LEAST_P), 1 - LEAST_P)))


def written(found: Fitted) -> str:
    """As the package holds it."""
    return json.dumps(found.model_dump(mode="json"), indent=1) + "\n"


def _factor(ratio: float) -> str:
    if ratio < 1:
        return f"1/{_factor(1 / ratio)}"
    return f"{ratio:.2g}" if ratio < 10 else f"{ratio:.0f}"


def _share(share: float) -> str:
    return f"{share:.0%}"


def _times(ratio: float) -> str:
    return f"{_factor(max(ratio, 1 / ratio))} times"
