"""What a benchmark measured, as JSON holds it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from birthmark.common.digests import Digest

SIZES = (10, 20, 50, 100, 200, 400)


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Setting(_Section):
    """How methods are measured.

    Attributes
    ----------
    sizes
        Numbers of probes.
    draws
        How often so many are drawn among those recorded.
    alpha
        The false-positive rate of a detection.
    seed
        Draws probes.
    """

    sizes: tuple[int, ...] = SIZES
    draws: int = 5
    alpha: float = 0.05
    seed: int = 0


class Row(_Section):
    """One method against one attack with so many probes.

    Attributes
    ----------
    method, name
        What the tables call it, and its full name.
    answers
        `all`, or `labels` if every model says no more than labels.
    victim
        The model that was stolen.
    kept, kept_detected
        How many of the thieves are as accurate as the least accurate independent model, and the
        share of these with p <= alpha: what "worst" and "mean" are of.
    kept_verdict
        The share of these that are as close within every lineage of references too, as an audit
        asks that does not know their lineages.
    new_head
        Whether the thieves answer with another label set.
    draws
        Of probes; rates are means over them.
    auc
        Mean over the draws.
    welch
        Median over the draws of the one-sided p.
    f1
        At the threshold that the reference models set, thieves against independent models.
    detected
        Share of thieves with p <= alpha, with a Clopper-Pearson interval over the models.
    accused
        Share of independent models with p <= alpha.
    closest
        Share of thieves closer than every reference and independent model.
    foreign, foreign_accused
        The first two without any reference model of the suspect's lineage.
    """

    method: str
    name: str
    answers: Literal["all", "labels"]
    victim: str
    attack: str
    kept: int
    kept_detected: float
    kept_verdict: float
    new_head: bool
    n: int
    draws: int
    thieves: int
    innocents: int
    references: int
    auc: float
    welch: float
    f1: float
    detected: float
    detected_interval: tuple[float, float]
    accused: float
    accused_interval: tuple[float, float]
    closest: float
    closest_interval: tuple[float, float]
    foreign: float
    foreign_accused: float


class Table(_Section):
    """A zoo's benchmark."""

    format: Literal["birthmark-bench/1"] = "birthmark-bench/1"
    zoo: str
    answers: Digest
    setting: Setting
    left_out: dict[str, str]
    made: dict[str, str]
    rows: list[Row]
