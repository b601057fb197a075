"""From audits to one HTML file without scripts and without requests."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import jinja2

from birthmark.audit.audit import Audited
from birthmark.audit.result import Result
from birthmark.bundle import Bundle
from birthmark.common.errors import BirthmarkError, one_line
from birthmark.enrolment.population import counting
from birthmark.report import limits, sentences
from birthmark.report.matrices import matrices
from birthmark.report.pictures import data_address
from birthmark.report.plots import MOST_ROWS, gradient, heatmap, strip
from birthmark.report.probes import probes_shown
from birthmark.showing.marks import DARK, LIGHT, MARKS
from birthmark.showing.strip import svg

MATRIX_COLOURS, DIFFERENCE_COLOURS = "viridis", "magma_r"


def render_report(
    bundle: Bundle,
    audited: Sequence[Audited],
    *,
    title: str,
    truths: Mapping[str, str] | None = None,
    note: str | None = None,
    classes: Sequence[str] | None = None,
) -> str:
    """Render one or many audits of one fingerprint; the same input gives the same text.

    Parameters
    ----------
    bundle
        The fingerprint.
    audited
        One audit or more, in the order of the table.
    title
        The heading.
    truths
        What a suspect really is, by its name. Where it begins with `stolen` or `derived`, or with
        `independent` or `innocent`, the verdict is marked as right or wrong, in words.
    note
        A paragraph to show below the finding.
    classes
        Names of the victim's classes, in their order; without them they are shown as numbers.

    Raises
    ------
    BirthmarkError
        If there is no audit, or one belongs to another fingerprint.
    """
    results = [one.result for one in audited]
    require_of_one(bundle, audited)
    bundle = counting(bundle)
    template = _environment().get_template("report.html.j2")
    return template.render(
        title=title,
        note=note,
        finding=sentences.finding(results, truths),
        summary=sentences.summary(results),
        bundle=bundle,
        manifest=bundle.manifest,
        results=results,
        verdicts=sentences.VERDICTS,
        truths=truths or {},
        strips=[_strip(group) for group in _alike(results)],
        pictures=_pictures(bundle, audited),
        speaking=probes_shown(bundle, closest(audited), classes),
        measured=sentences.measured(results),
        inferred=sentences.inferred(results),
        assumed=sentences.assumed(results),
        calibration=limits.calibration(bundle, results),
        checked=limits.checked(results),
        lineages=limits.lineage_rows(results[0]),
        seal=next((result.fingerprint for result in results if result.fingerprint), None),
        libraries=_libraries(bundle, results),
        commands=sorted({_options(result) for result in results}),
    )


def _options(result: Result) -> str:
    """What was asked of the audit, as options."""
    said = (
        f"--alpha {result.alpha} --independent-above {result.independent_above}"
        f" --rule {result.rule}"
    )
    if result.suspect.lineage is not None:
        said += f" --lineage {shlex.quote(result.suspect.lineage)}"
    return said if result.looks is None else f"{said} --stop-early"


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("birthmark.report", ""),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "plain": one_line,
        "number": sentences.number,
        "signed": sentences.signed,
        "judged": sentences.judged,
        "declared": sentences.declared,
    }
    environment.globals["marks"] = MARKS
    return environment


def closest(audited: Sequence[Audited]) -> Audited:
    """The audit with the smallest p-value, and of these the smallest distance."""
    return min(audited, key=lambda one: (one.result.p_value, one.result.score))


def require_of_one(bundle: Bundle, audited: Sequence[Audited]) -> None:
    """Refuse audits that are not all of this fingerprint.

    Raises
    ------
    BirthmarkError
        If there is none, or one is of another.
    """
    if not audited:
        raise BirthmarkError("report", "there is no audit to report on", "audit a suspect first")
    names = [reference.name for reference in counting(bundle).manifest.references]
    seals = {one.result.fingerprint for one in audited} - {None}
    for one in audited:
        result = one.result
        if (
            result.method != bundle.manifest.method
            or result.victim != bundle.manifest.victim
            or [reference.name for reference in result.references] != names
            or len(one.answers) + result.refused != result.queries
            or len(one.refused) != result.refused
            or result.queries > len(bundle.probes)
            or len(seals) > 1
        ):
            raise BirthmarkError(
                f"audit of {result.suspect.name}",
                "belongs to another fingerprint",
                "report audits of one fingerprint together",
            )


def _alike(results: Sequence[Result]) -> list[list[Result]]:
    """Results that can be shown in one plot."""
    groups: dict[object, list[Result]] = {}
    for result in results:
        groups.setdefault((result.compared_as, result.alpha, result.rule), []).append(result)
    return list(groups.values())


def _strip(results: list[Result]) -> dict[str, Any]:
    shown = strip(sorted(results, key=lambda result: result.score)[:MOST_ROWS])
    drawn = {
        f"{'narrow' if narrow else 'wide'}_{name}": data_address(
            svg(shown, look, narrow=narrow), "svg+xml"
        )
        for narrow in (False, True)
        for name, look in (("light", LIGHT), ("dark", DARK))
    }
    return drawn | {
        "kind": results[0].compared_as,
        "alpha": results[0].alpha,
        "line": shown.line,
        "varies": sentences.varies(results),
        "left_out": max(0, len(results) - MOST_ROWS),
        "alt": sentences.strip_alt(results),
    }


def _pictures(bundle: Bundle, audited: Sequence[Audited]) -> dict[str, Any]:
    shown = matrices(bundle, audited)
    low, high = shown.range
    most = shown.largest_difference
    colours = MATRIX_COLOURS if shown.alike_is_high else f"{MATRIX_COLOURS}_r"
    columns = [
        {
            "panel": panel,
            "matrix": _png(heatmap(panel.matrix, low, high, colours)),
            "difference": None
            if panel.difference is None
            else _png(heatmap(panel.difference, 0, most, DIFFERENCE_COLOURS)),
        }
        for panel in shown.panels
    ]
    return {
        "about": shown,
        "columns": columns,
        "matrix_bar": _png(gradient(colours)),
        "difference_bar": _png(gradient(DIFFERENCE_COLOURS)),
    }


def _libraries(bundle: Bundle, results: Sequence[Result]) -> list[tuple[str, str, str]]:
    """Name, version at enrolment, version or versions at audit."""
    audit: dict[str, set[str]] = {}
    for result in results:
        for name, version in result.libraries.items():
            audit.setdefault(name, set()).add(version)
    enrolled = bundle.manifest.libraries
    return [
        (name, enrolled.get(name, "-"), ", ".join(sorted(audit.get(name, {"-"}))))
        for name in sorted(enrolled.keys() | audit.keys())
    ]


def _png(data: bytes) -> str:
    return data_address(data, "png")
