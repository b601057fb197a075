"""The report's sentences: what may be said, and no more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from birthmark.audit.result import Result, percent
from birthmark.audit.rule import Rule
from birthmark.audit.verdict import Verdict
from birthmark.models.adapters import Declaration

VERDICTS = {
    Verdict.DERIVED: "closer to the victim than independent models are, at the rate stated below",
    Verdict.INCONCLUSIVE: "neither can be concluded",
    Verdict.INDEPENDENT: "no closer to the victim than independent models are",
}
MARKED = {
    ("stolen", Verdict.DERIVED): "hit",
    ("stolen", Verdict.INCONCLUSIVE): "left open",
    ("stolen", Verdict.INDEPENDENT): "miss: stolen but not noticed",
    ("independent", Verdict.DERIVED): "miss: a false accusation",
    ("independent", Verdict.INCONCLUSIVE): "left open",
    ("independent", Verdict.INDEPENDENT): "hit",
}


def number(value: float) -> str:
    """Four significant digits."""
    return f"{value:.4g}"


def signed(value: float) -> str:
    """Three significant digits and a sign, a minus as printers set it."""
    return f"{value:+.3g}".replace("-", "\u2212")


def declared(declaration: Declaration | None) -> str:
    """How a model is asked, in a line."""
    if declaration is None:
        return "not stated"
    width, height = declaration.size
    low, high = declaration.range
    mean, std = ("/".join(f"{x:g}" for x in xs) for xs in (declaration.mean, declaration.std))
    to = declaration.scale_to
    scaled = f"{to[0]}x{to[1]}" if isinstance(to, tuple) else f"a shorter side of {to}"
    cut = f", the centre of an image scaled to {scaled}" if to else ""
    return (
        f"{width}x{height}x{declaration.channels}, range {low:g} to {high:g}, mean {mean},"
        f" deviation {std}, {declaration.order}, {declaration.layout}, {declaration.resize}{cut},"
        f" answers {declaration.output}"
    )


def typical(results: Sequence[Result]) -> Result:
    """The first result with the mean of every reference's distances over all of them.

    With scores that look at the whole pool a reference's distance depends a little on the suspect.
    """
    means = np.mean([[one.score for one in result.references] for result in results], axis=0)
    references = [
        one.model_copy(update={"score": float(mean)})
        for one, mean in zip(results[0].references, means, strict=True)
    ]
    return results[0].model_copy(update={"references": references})


def varies(results: Sequence[Result]) -> bool:
    """Whether reference distances depend on the suspect."""
    first = [one.score for one in results[0].references]
    return any([one.score for one in result.references] != first for result in results)


def judged(verdict: Verdict, truth: str) -> str:
    """How a verdict agrees with what a suspect is known to be; empty if that can't be told."""
    return MARKED.get((_known(truth), verdict), "")


def _known(truth: str) -> str:
    first = truth.lower().split(maxsplit=1)[:1]
    word = first[0].strip(".,:;") if first else ""
    return {"derived": "stolen", "innocent": "independent"}.get(word, word)


def finding(results: Sequence[Result], truths: Mapping[str, str] | None) -> str:
    """The first sentence."""
    if len(results) == 1:
        joint = results[0].joint
        return f"{joint.sentence} {results[0].headline}" if joint else results[0].headline
    count = Counter(result.verdict for result in results)
    victim = results[0].victim.name
    parts = {
        Verdict.DERIVED: f"{_are(count[Verdict.DERIVED])} derived from {victim}",
        Verdict.INDEPENDENT: f"{count[Verdict.INDEPENDENT]} show no sign of being derived from"
        f" {victim}",
        Verdict.INCONCLUSIVE: f"{count[Verdict.INCONCLUSIVE]} are left open",
    }
    said = f"Of {len(results)} suspects: {'; '.join(parts[v] for v in parts if count[v])}."
    marks = [judged(r.verdict, (truths or {}).get(r.suspect.name, "")) for r in results]
    if any(marks):
        counted = Counter(mark.partition(":")[0] for mark in marks if mark)
        said += (
            " Compared with what the suspects are known to be, that is"
            f" {_many(counted['hit'], 'hit')},"
            f" {_many(counted['miss'], 'miss')} and {counted['left open']} left open."
        )
    return said


def summary(results: Sequence[Result]) -> list[str]:
    """The rate, and the strength of one result: what stands below the picture."""
    first = results[0]
    if len(results) == 1:
        strength = first.strength
        return [first.rate_sentence, *([] if strength is None else [strength.sentence])]
    rates = sorted({result.false_positive_rate for result in results})
    return [
        "For each suspect by itself, an unrelated model would be called derived at most"
        f" {' or '.join(map(percent, rates))} of the time."
    ]


def measured(results: Sequence[Result]) -> list[str]:
    """What was counted or computed from answers alone."""
    first = results[0]
    whom = first.suspect.name if len(results) == 1 else f"each of {len(results)} suspects"
    score = first.method.partition("@")[0]
    if score.startswith("sac-") and score.endswith("-l1"):
        score += ", the mean absolute difference between two models' correlation matrices"
    elif score.startswith("partial"):
        score += (
            ": 1 minus the victim's share in explaining a model's answers next to all other models"
        )
    said = [
        f"{whom} answered {first.queries} probes. The fingerprint holds the answers of the victim"
        f" and of {len(first.references)} references to the same probes.",
        f"A distance is the score {score}.",
    ]
    said += [
        f"{result.suspect.name} refused {result.refused} of {result.queries} probes; the rest"
        " were compared."
        for result in results
        if result.refused
    ]
    said += [
        f"{result.suspect.name} was asked in batches, and the answers were looked at"
        f" {result.looks[0]} times ({result.looks[1]} at most)."
        for result in results
        if result.looks is not None
    ]
    said += [
        f"{result.suspect.name} was asked {result.repeated} of the probes again, to see whether"
        " its answers change."
        for result in results
        if result.repeated and len(results) == 1
    ]
    for kind in sorted({result.compared_as for result in results}):
        alike = [result for result in results if result.compared_as is kind]
        references = [reference.score for result in alike for reference in result.references]
        said.append(
            f"Compared by {kind}, the most detailed answers that all models gave, the distance"
            f" from the victim is {span([result.score for result in alike])} for"
            f" {first.suspect.name if len(results) == 1 else _many(len(alike), 'suspect')}"
            f" and {span(references)} for the references."
        )
    said += [_probes_alone(result) for result in results]
    said += [
        f"{result.suspect.name}: {result.controls.sentence}"
        for result in results
        if result.controls
    ]
    return said


def _probes_alone(result: Result) -> str:
    found = result.significance
    said = (
        "Pattern over pairs of probes (partial Mantel test; not part of the verdict, and no test"
        f" of theft, since innocent models can pass it too): {result.suspect.name} "
        + ("agrees" if found.correlation > 0 else "does not agree")
        + f" with the victim beyond what the references explain (correlation"
        f" {found.correlation:.2f}, p = {found.p_value:.2g})."
    )
    if found.references_below is not None:
        said += (
            f" {found.references_below} of {len(result.references)} reference models have p <="
            f" {result.alpha:g}."
        )
    return said


def inferred(results: Sequence[Result]) -> list[str]:
    """What follows from the measurements if the assumptions hold."""
    first = results[0]
    n = len(first.references)
    whose = f"The p-value, {first.p_value:.2g}," if len(results) == 1 else "A p-value"
    if first.rule is Rule.UNSEEN:
        said = [
            f"{whose} is how often an unrelated model of any lineage comes this close to the"
            f" victim. The {n} references show how much models and lineages differ. It is not the"
            " probability that a suspect was stolen.",
            "Derived means closer than every reference, p ≤"
            f" {', '.join(f'{x:g}' for x in sorted({r.alpha for r in results}))}, and no"
            " finding that rules it out.",
        ]
    else:
        said = [
            f"{whose} is the share of models, counting the suspect and {n} references, that are"
            " as close to the victim as the suspect or closer. It is not the probability that a"
            " suspect was stolen.",
            *(
                f"Derived means p ≤ {alpha:g}. An unrelated model is then called derived at most"
                f" {percent(rate)} of the time, if it is like the references as a whole."
                for alpha, rate in sorted({(r.alpha, r.false_positive_rate) for r in results})
            ),
            *(
                "Derived also needs a close rank within every lineage that an innocent suspect"
                f" may have. If it has one of these, the rate is at most {percent(rate)}."
                for rate in sorted({r.lineage_rate for r in results if r.lineage_rate is not None})
            ),
        ]
    said += [one.strength.basis for one in results[:1] if one.strength is not None]
    above = ", ".join(f"{x:g}" for x in sorted({result.independent_above for result in results}))
    said.append(
        f"Independent means p > {above}, no finding that rules it out, and that most copies would"
        " have been found: no sign of copying, which does not prove that there was none."
    )
    return said


def assumed(results: Sequence[Result]) -> list[str]:
    """What the false-positive rate rests on, each once."""
    return list(dict.fromkeys(text for result in results for text in result.assumptions))


def strip_alt(results: Sequence[Result]) -> str:
    """What a strip plot shows."""
    shown = typical(results)
    references = [reference.score for reference in shown.references]
    said = [
        f"{len(references)} reference models lie at {span(references)} from the victim;"
        f" derived needs less than {number(shown.threshold)}."
    ]
    for verdict in Verdict:
        scores = [result.score for result in results if result.verdict is verdict]
        if scores:
            said.append(f"Suspects called {verdict}: {len(scores)}, at {span(scores)}.")
    return " ".join(said)


def span(scores: Sequence[float]) -> str:
    """From the smallest to the largest."""
    low, high = number(min(scores)), number(max(scores))
    return low if low == high else f"{low} to {high}"


def _are(count: int) -> str:
    return f"{count} {'is' if count == 1 else 'are'}"


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}{'es' if what == 'miss' else 's'}"
