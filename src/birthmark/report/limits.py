"""The report's sentences and tables on the calibration and on checks of the answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from birthmark.audit.result import NO_LINEAGE, Result
from birthmark.audit.rule import Rule
from birthmark.bundle import Bundle
from birthmark.calibration import smallest_p
from birthmark.enrolment.exchangeability import left_out
from birthmark.enrolment.population import population
from birthmark.report.sentences import number, span


def calibration(bundle: Bundle, results: Sequence[Result]) -> list[str]:
    """What the rates are made of, and where they end."""
    first = results[0]
    n = len(first.references)
    lineages = ", ".join(
        f"{len(scores)} of unstated lineage"
        if lineage == NO_LINEAGE
        else f"{len(scores)} {lineage}"
        for lineage, scores in first.by_lineage()
    )
    said = [
        f"There are {n} reference models: {lineages}.",
    ]
    if first.rule is Rule.RANK:
        said.append(
            f"With {n} references the smallest possible p-value is {smallest_p(n):.3g}: that is"
            " what even an exact copy gets. A smaller one takes more references, not more probes."
        )
    record = population(bundle)
    if record is not None and record.fit is not None:
        said.append(f"Population check: the victim {record.fit.sentence}.")
    if record is not None and record.victim is not None:
        low, high = min(record.references), max(record.references)
        said.append(
            f"Accuracy check: on {record.images} images that were not chosen by any model's"
            f" answers, the victim gets {record.victim:.0%} right and the references {low:.0%} to"
            f" {high:.0%}."
        )
    if len(results) > 1:
        expected = sum(result.false_positive_rate for result in results)
        said.append(
            f"The rate holds for each suspect by itself. If all {len(results)} were independent,"
            f" at most {expected:.2g} would be called derived on average."
        )
    return [*said, *left_out(bundle, first.alpha).sentences, *_power(results)]


class CheckRow(NamedTuple):
    """A check of the answers, in words.

    Attributes
    ----------
    suspect, name
        Whose answers, and what was looked for.
    measured, limit
        Numbers; a dash where there is none.
    noticed
        Yes, no or not checked.
    """

    suspect: str
    name: str
    measured: str
    limit: str
    noticed: str


def checked(results: Sequence[Result]) -> list[CheckRow]:
    """What was looked for in all suspects' answers."""

    def told(value: float | None) -> str:
        return "-" if value is None else number(value)

    said = {True: "yes", False: "no", None: "not checked"}
    return [
        CheckRow(
            result.suspect.name,
            check.words,
            told(check.measured),
            told(check.limit),
            said[check.noticed],
        )
        for result in results
        for check in result.checks
    ]


class LineageRow(NamedTuple):
    """A lineage of references in the table of the calibration.

    Attributes
    ----------
    name
        The lineage.
    references
        How many references are of it.
    span
        From which distance to which.
    p, rate
        The suspect's rank among them, and the rate that holds for an innocent of it; empty where
        no lineage is stated.
    """

    name: str
    references: int
    span: str
    p: str
    rate: str


def lineage_rows(result: Result) -> list[LineageRow]:
    """The references by lineage, and where one suspect stands among each."""
    ranks = {one.lineage: one for one in result.lineages}
    rows = []
    for name, scores in result.by_lineage():
        rank = ranks.get(name)
        p, rate = ("", "") if rank is None else (f"{rank.p_value:.3g}", f"{rank.rate:.3g}")
        rows.append(LineageRow(name, len(scores), span(scores), p, rate))
    return rows


def _power(results: Sequence[Result]) -> list[str]:
    """How many thieves of the zoos would have been found by the weakest of these audits."""
    known = [result.power for result in results if result.power is not None]
    if not known:
        return []
    weakest = min(known, key=lambda one: one.copies)
    return [
        f"Power, measured on populations of small networks: {weakest.sentence[0].lower()}"
        f"{weakest.sentence[1:]} So a model that is not found may still be stolen."
    ]
