"""What an audit concludes, as `result.json` holds it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

from birthmark.audit.controls import Controls
from birthmark.audit.evasion import Check
from birthmark.audit.joint import MOST, Joint
from birthmark.audit.rule import Rule, line
from birthmark.audit.testimony import Testimony
from birthmark.audit.verdict import Verdict
from birthmark.calibration import LineageRank, Power, Prediction, Strength, spent
from birthmark.calibration.population import Fit
from birthmark.common.digests import Digest
from birthmark.data.outputs import Kind
from birthmark.models.adapters import Description
from birthmark.models.adapters.base import LedgerRecord

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from birthmark.showing.strip import Strip

NO_LINEAGE = "lineage not stated"


def percent(rate: float) -> str:
    """Two significant digits, without an exponent."""
    return f"{Decimal(f'{100 * rate:.2g}'):f}%"


class ReferenceScore(BaseModel):
    """An independent model's score."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    lineage: str | None
    score: float


class Significance(BaseModel):
    """A partial Mantel test: what the probes alone say.

    Attributes
    ----------
    correlation
        Of the suspect's and the victim's pairs of probes less what the references explain.
    p_value
        The share of orders of the probes in which it is as high, at least 1 / (permutations + 1).
        Innocent models have small ones too: see `references_below`.
    permutations
        How many orders were drawn.
    references_below
        How many references have a p-value of at most alpha, given the other references;
        None where the suspect is not close enough for it to matter.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    correlation: float
    p_value: float
    permutations: int
    references_below: int | None


class Result(BaseModel):
    """An audit's result, as `result.json` holds it.

    Attributes
    ----------
    verdict
        derived, independent or inconclusive.
    rule
        What derived takes.
    p_value
        By the rule `unseen`: how often an innocent comes as close, of a lineage that is none of the
        references' or of the victim's own, whichever does more often. By the rule `rank`: the share
        of models at most as far from the victim as the suspect.
    as_close
        How many references are as close to the victim as the suspect, or closer.
    prediction
        For an innocent, that which speaks least for an accusation; None where the references
        predict nothing.
    population
        Whether the suspect is one more draw of what the references stand for.
    strength
        The likelihood ratio, by a method on which it was measured; None where a finding forbids
        what it would speak for.
    power
        Which thieves would have been found; None where that is not known.
    alpha
        The false-positive rate asked for: derived takes p <= alpha.
    false_positive_rate
        The rate that holds: alpha by the rule `unseen`; by the rule `rank`, for an innocent that is
        exchangeable with the references as a whole, floor(alpha (n + 1)) / (n + 1).
    lineages
        The suspect's rank within every lineage of references. The rule `rank` takes a rank in each
        that is as close as alpha asks, or closer than all where a lineage is too small for that.
    lineage_rate
        The rate that the rule `rank` holds for an innocent of one of these lineages, whichever: the
        largest of theirs; None by the other rule or if the references state no lineages.
    controls
        The comparison with something else in the victim's place; None where p > alpha.
    significance
        What the probes alone say; no part of the verdict.
    independent_above
        Independent takes a p-value above this, and a power that is enough.
    method
        Score and probes, with every parameter.
    compared_as
        The kind of answers that was compared: the coarsest that a model gave or the score needs.
    score
        The suspect's distance from the victim; smaller is closer.
    references
        The independent models' distances.
    findings
        What was noticed that bears on the verdict.
    assumptions
        What the false-positive rate rests on.
    checks
        What was looked for in the answers of a suspect that may be evasive.
    queries
        How many probes were put to the suspect.
    refused
        How many of these it did not answer; the others were compared.
    repeated
        How often a probe was asked once more.
    looks
        If probes were asked in batches, how many looks were taken and how many there could have
        been. The p-value is then the rank at the last look, and no longer a p-value of its own: the
        rate is what holds.
    fingerprint
        The fingerprint's seal, if it was read from a file.
    victim, suspect
        The two models.
    answers
        Digest of the suspect's answers to the probes that it did not refuse.
    libraries
        What computed this.
    ledger
        What the ledger holds of the suspect, if it is behind an API.
    witnesses
        What others than the resemblance of answers say, where they were asked; all above is of the
        resemblance. Left out, as is `joint`, where none was.
    joint
        The verdict of all together.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["birthmark-result/2"] = "birthmark-result/2"
    verdict: Verdict
    rule: Rule
    p_value: float
    as_close: int
    prediction: Prediction | None
    population: Fit | None
    strength: Strength | None = None
    power: Power | None = None
    alpha: float
    false_positive_rate: float
    lineages: list[LineageRank]
    lineage_rate: float | None
    controls: Controls | None
    significance: Significance
    independent_above: float
    method: str
    compared_as: Kind
    score: float
    references: list[ReferenceScore]
    findings: list[str]
    assumptions: list[str]
    checks: list[Check] = []
    queries: int
    refused: int = 0
    repeated: int = 0
    looks: tuple[int, int] | None
    fingerprint: Digest | None
    victim: Description
    suspect: Description
    answers: Digest
    libraries: dict[str, str]
    ledger: LedgerRecord | None = None
    witnesses: list[Testimony] = Field(default=[], max_length=MOST - 1)
    joint: Joint | None = None

    @model_serializer(mode="wrap")
    def _without_nothing(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields: dict[str, Any] = handler(self)
        if not self.witnesses:
            for name in ("witnesses", "joint"):
                fields.pop(name, None)
        return fields

    @property
    def called(self) -> Verdict:
        """The verdict of all witnesses, or of the one that was asked."""
        return self.verdict if self.joint is None else self.joint.verdict

    @property
    def headline(self) -> str:
        """The result in a line."""
        n, victim = len(self.references), self.victim.name
        if self.as_close:
            some = f"{self.as_close} of {n} independent models"
            placed = f"no closer to {victim} than {some if n > 1 else 'the one independent model'}"
        else:
            every = f"all {n} independent models" if n > 1 else "the one independent model"
            placed = f"closer to {victim} than {every}"
        if not self.as_close and self.prediction is not None:
            placed += f", by {abs(self.prediction.deviations):.2g} standard deviations"
        said = self.verdict.capitalize() if self.joint is None else f"By answers, {self.verdict}"
        return f"{said}: {self.suspect.name} is {placed}."

    @property
    def sentence(self) -> str:
        """The result in a few sentences."""
        said = [self.headline, self.rate_sentence]
        if self.strength is not None:
            said.append(self.strength.sentence)
        if self.looks is not None:
            look, planned = self.looks
            said.append(f"This is after {self.queries} probes, at look {look} of {planned}.")
        return " ".join(said)

    @property
    def rate_sentence(self) -> str:
        """How often an innocent comes so close, or what the verdict lacks."""
        if self.verdict is Verdict.INDEPENDENT:
            found = "" if self.power is None else f" {self.power.sentence}"
            return f"No sign of copying was found, which does not prove that there was none.{found}"
        if self.verdict is Verdict.DERIVED:
            return (
                "An unrelated model would get this verdict at most"
                f" {percent(self.false_positive_rate)} of the time, if it is like the references."
            )
        if self.p_value <= self.level:
            return (
                "The findings rule out a verdict."
                if self.rule is Rule.RANK or not self.as_close
                else "A derived verdict would need it to be closer than all of them."
            )
        return (
            f"An unrelated model comes this close {percent(self.p_value)} of the time; a derived"
            f" verdict needs {percent(self.level)} or less."
        )

    @property
    def level(self) -> float:
        """The p-value that derived takes; after several looks by `unseen`, that of the last."""
        if self.looks is None or self.rule is Rule.RANK:
            return self.alpha
        return self.alpha * spent(*self.looks)

    @property
    def threshold(self) -> float:
        """The distance below which a suspect is called derived (`birthmark.audit.rule.line`)."""
        numbers = [one.score for one in self.references]
        lineages = [one.lineage for one in self.references]
        return line(self.rule, self.score, numbers, lineages, self.victim.lineage, self.level)

    def by_lineage(self) -> list[tuple[str, list[float]]]:
        """The references' distances by lineage; those of no stated lineage come last."""
        lineages: dict[str, list[float]] = {}
        for one in sorted(self.references, key=lambda one: (not one.lineage, one.lineage or "")):
            lineages.setdefault(one.lineage or NO_LINEAGE, []).append(one.score)
        return list(lineages.items())

    def to_frame(self) -> Any:
        """A `pandas.DataFrame`: a row for the suspect, then one for each reference by distance.

        Columns: role, name, lineage, score, and `as_close`, whether it is as close to the victim as
        the suspect or closer.

        Raises
        ------
        BirthmarkError
            If pandas is not installed.
        """
        from birthmark.showing.frame import frame

        suspect = ("suspect", self.suspect.name, self.suspect.lineage, self.score)
        others = sorted(self.references, key=lambda one: one.score)
        rows = [suspect, *(("reference", one.name, one.lineage, one.score) for one in others)]
        return frame(
            [
                dict(zip(("role", "name", "lineage", "score"), row, strict=True))
                | {"as_close": row[3] <= self.score}
                for row in rows
            ]
        )

    def plot(self, axes: Axes | None = None) -> Axes:
        """Draw the strip plot: the suspect among the references, with the rate marked.

        Parameters
        ----------
        axes
            Where; a new figure if not given.

        Returns
        -------
        matplotlib.axes.Axes
            The axes that were drawn on.
        """
        from birthmark.showing.strip import draw, new_axes

        strip = self._strip()
        axes = new_axes(strip) if axes is None else axes
        draw(axes, strip)
        return axes

    def _strip(self) -> Strip:
        from birthmark.showing.strip import Strip, Suspected

        return Strip(
            suspects=[Suspected(self.suspect.name, self.verdict, self.score)],
            lineages=self.by_lineage(),
            line=self.threshold,
            rate=self.false_positive_rate,
        )

    def __repr__(self) -> str:
        return (
            f"<Result: {self.suspect.name} is {self.called} (compared with {self.victim.name})\n"
            f" p = {self.p_value:.2g}, false-positive rate {percent(self.false_positive_rate)},"
            f" score {self.score:.4g} (derived needs less than {self.threshold:.4g})>"
        )

    def __str__(self) -> str:
        return self.sentence

    def _repr_html_(self) -> str:
        """A card for notebooks: verdict, sentence, strip plot and findings, without scripts."""
        from birthmark.showing.card import verdict_card
        from birthmark.showing.strip import inline, svg

        alt = f"Distances of {len(self.references)} references and the suspect from the victim."
        return verdict_card(
            self.verdict,
            self.sentence,
            self.findings,
            inline(svg(self._strip()), alt),
            f"{self.method}, {self.queries} probes, compared as {self.compared_as}; score"
            f" {self.score:.4g}, derived needs less than {self.threshold:.4g}.",
        )
