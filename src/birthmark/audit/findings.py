"""What was noticed in an audit that bears on its verdict, and what the verdict rests on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from birthmark.audit.rule import Rule
from birthmark.bundle import Bundle, Manifest
from birthmark.bundle.manifest import PopulationRecord
from birthmark.calibration.lineages import LEAST, LineageRank
from birthmark.calibration.prediction import LEAST_OWN
from birthmark.data.images import Image
from birthmark.data.outputs import Kind, Outputs
from birthmark.enrolment.population import (
    MOST_UNEQUAL,
    population,
    strong,
    unselected,
    weak,
    with_true_labels,
)
from birthmark.models.adapters import Description, Suspect
from birthmark.models.queries import CHANCE, accuracy, chance_p
from birthmark.models.sandbox.protections import ITS_FOLDER
from birthmark.scores.methods import PLAIN, method

SAME_FILE = "The suspect's file is the victim's file."
RANDOM = "random"
"""What a model begins from that begins from no checkpoint."""
SAME_START = 4
"""How many references must share the victim's start, if it is no random one."""
AS_GOOD = 0.9
"""Of what the victim has right, so much they must have right too.

What a checkpoint hands down fades with training, so that those that were trained less are farther
from the victim than an innocent is (`benchmarks/starts.md`)."""
MOST_NAMED = 5
READS = ", such as read your files and the environment of other programs."
HOW = "Make some that do with `birthmark references` (docs/how-to/references.md)."


@dataclass(frozen=True)
class Finding:
    """Something noticed.

    Attributes
    ----------
    text
        A sentence or two.
    clears
        Whether the suspect may still be called independent.
    accuses
        Whether it may still be called derived.
    """

    text: str
    clears: bool = True
    accuses: bool = True


def of_fingerprint(bundle: Bundle, rule: Rule = Rule.UNSEEN) -> Iterator[Finding]:
    """Why nothing can be called derived with a fingerprint, whatever is audited, if so.

    What these say of a fingerprint's references is said once, at enrolment, and again with every
    verdict.
    """
    manifest = bundle.manifest
    record = population(bundle)
    if record is None:
        yield Finding(
            "Whether the references fit the victim could not be checked, since their answers are"
            " recorded and the probes were chosen by answers. So no suspect can be called derived."
            f" Enroll with --method {PLAIN}, or with models that can be asked.",
            accuses=False,
        )
        return
    if record.fit is not None and not record.fit.fits:
        yield Finding(
            f"The references do not fit your model: it {record.fit.sentence}. So no suspect can"
            f" be called derived. {HOW}",
            accuses=False,
        )
    for what, odd in (("weaker", weak(record)), ("better", strong(record))):
        if len(odd) > MOST_UNEQUAL * len(record.references):
            low, high = min(record.references), max(record.references)
            yield Finding(
                f"Most references are far {what} than the victim: on {record.images} images its"
                f" accuracy is {record.victim:.0%}, theirs {low:.0%} to {high:.0%}:"
                f" {_listed(manifest, odd)}. So no suspect can be called derived. {HOW}",
                accuses=False,
            )
    if rule is Rule.UNSEEN:
        yield from _of_own_lineage(manifest)
    yield from _of_start(manifest, record)


def _of_own_lineage(manifest: Manifest) -> Iterator[Finding]:
    """An innocent of the victim's lineage is closer than others, so some must be there."""
    own = manifest.victim.lineage
    alike = sum(one.lineage == own for one in manifest.references)
    if own is None:
        yield Finding(
            "The victim's lineage is not stated, so the references may lack it. An innocent"
            " model of that lineage could be as close, so no suspect can be called derived."
            f" Enroll with --lineage NAME and at least {LEAST_OWN} references in a"
            " sub-folder of that name: references/NAME/a.onnx ...",
            accuses=False,
        )
    elif alike < LEAST_OWN:
        yield Finding(
            f"{alike} of the references that count {'has' if alike == 1 else 'have'} the"
            f" victim's lineage, {own}. With fewer than {LEAST_OWN}, an innocent model of that"
            " lineage could be as close, so no suspect can be called derived. Put more into the"
            f" sub-folder {own}: references/{own}/a.onnx ...",
            accuses=False,
        )


def _of_start(manifest: Manifest, record: PopulationRecord) -> Iterator[Finding]:
    """What the victim began from must be known, since an innocent may have begun there too."""
    start = manifest.start
    if start is None:
        yield Finding(
            "Nothing says what the victim's training started from. An innocent model that started"
            " from the same checkpoint could be as close, so no suspect can be called derived."
            " Enroll with --start random, or with --start NAME and references that started from it"
            " too.",
            accuses=False,
        )
        return
    if start == RANDOM:
        return
    alike = [i for i, one in enumerate(manifest.references) if start_of(one.lineage) == start]
    if len(alike) < SAME_START:
        yield Finding(
            f"The victim started from {start}, and so did {len(alike)} references. At least"
            f" {SAME_START} must, since innocent models that did are closer than others. So no"
            f" suspect can be called derived. Put them into a sub-folder NETWORK@{start}.",
            accuses=False,
        )
    elif record.victim is not None:
        least = AS_GOOD * record.victim
        short = [i for i in alike if record.references[i] < least]
        if len(alike) - len(short) < SAME_START:
            yield Finding(
                f"Of the references that started from {start}, {_listed(manifest, short)} reach"
                f" less than {least:.0%} accuracy on {record.images} images, while the victim"
                f" reaches {record.victim:.0%}. Trained so little, they are closer to {start} and"
                " farther from your model than an innocent model would be. So no suspect can be"
                f" called derived. Make {SAME_START} that are about as good, with your own recipe,"
                " more images, or --owner-images.",
                accuses=False,
            )


def start_of(lineage: str | None) -> str:
    """What models of a lineage began from: what follows an `@`, or `random`."""
    return (lineage or "").partition("@")[2] or RANDOM


def of_copies(bundle: Bundle, counted: Sequence[Sequence[int]]) -> Iterator[Finding]:
    """References that count once; of the victim's own lineage they forbid every accusation.

    Where models of a lineage that were trained apart answer alike, as linear ones do, an innocent
    of it can't be told from a copy.
    """
    manifest = bundle.manifest
    for group in counted:
        said = f"The references {_listed(manifest, group)} answer as one model would, so they count"
        own = manifest.victim.lineage
        lineages = [manifest.references[i].lineage for i in group]
        shared = [one for one in lineages if lineages.count(one) > 1 and own in (None, one)]
        if not shared:
            yield Finding(f"{said} once.")
            continue
        of = f"of {shared[0]}" if shared[0] else "of one lineage"
        yield Finding(
            f"{said} once. If they are not copies, then separately trained models {of} can't be"
            " told from copies. So no suspect can be called derived. If they are copies, leave"
            " all but one out and enroll again.",
            accuses=False,
        )


def _listed(manifest: Manifest, places: Sequence[int]) -> str:
    names = [manifest.references[i].name for i in places]
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more


def of_suspect(bundle: Bundle, suspect: Suspect, answers: Outputs, rule: Rule) -> Iterator[Finding]:
    """What the suspect's file and answers show, whatever its rank."""
    digest = suspect.description.digest
    if digest is not None and suspect.description.adapter != "callable":
        yield from _of_file(bundle, digest)
    by_labels = Kind.LABELS in (answers.kind, bundle.victim.kind)
    if answers.kind is Kind.SIMILARITIES is not bundle.victim.kind:
        yield Finding(
            f"The suspect says how alike each probe is to the first {answers.classes}; the victim's"
            " and the reference models' embeddings were converted to the same form before the"
            " comparison."
        )
    elif answers.classes != bundle.victim.classes and not by_labels:
        yield Finding(
            f"The suspect answers with {answers.classes} numbers or classes, and the victim with"
            f" {bundle.victim.classes}."
        )
    if unselected(method(bundle.manifest.method)):
        yield from _of_input(bundle, answers, with_true_labels(bundle))
    if missing := getattr(suspect, "unprotected", []):
        yield Finding(
            f"The suspect's file was run on a system that lacks a protection: {', '.join(missing)}."
            " A hostile file could have done more than answer, even to this audit"
            + (READS if ITS_FOLDER in missing else ".")
        )
    if beside := getattr(suspect, "beside", []):
        yield Finding(
            "The suspect's file takes weights from other files in its folder:"
            f" {', '.join(beside[:MOST_NAMED])}. They count as parts of the model. If one of them"
            " is something else, its contents may show in the answers: look before you pass them"
            " on."
        )
    stated = suspect.description.lineage
    lineages = sorted({one.lineage for one in bundle.manifest.references if one.lineage})
    if rule is Rule.RANK and stated is not None and lineages and stated not in lineages:
        yield Finding(
            f"No reference has the suspect's stated lineage, {stated} (they have"
            f" {', '.join(lineages)}). So there is no rate to state, and it cannot be called"
            " derived.",
            accuses=False,
        )
    if rule is Rule.RANK and (reason := unsupported(bundle.manifest)):
        yield Finding(reason, accuses=False)


def unsupported(manifest: Manifest) -> str | None:
    """Why no suspect can be called derived with a fingerprint, if so.

    An innocent model of the victim's own lineage is closer to the victim than models of others, so
    an accusation takes references of that lineage. How often innocents would be accused otherwise:
    docs/statistics.md.
    """
    own = manifest.victim.lineage
    if own is None:
        return (
            "The victim's lineage is not stated, so the references may lack it. Without them an"
            " innocent model of that lineage could look derived, so no suspect can be called"
            " derived. Enroll with --lineage NAME and at least"
            f" {LEAST} references in a sub-folder of that name: references/NAME/a.onnx ..."
        )
    alike = sum(reference.lineage == own for reference in manifest.references)
    if alike < LEAST:
        return (
            f"{alike} references have the victim's lineage, {own}. With fewer than {LEAST},"
            " an innocent model of that lineage could look derived, so no suspect can be called"
            f" derived. Enroll with at least {LEAST} in a sub-folder of that name:"
            f" references/{own}/a.onnx ..."
        )
    return None


def of_rank(asked: Sequence[LineageRank]) -> Iterator[Finding]:
    """Why a suspect that is closer than nearly all references may still not be called derived.

    Parameters
    ----------
    asked
        The suspect's rank in every lineage that an innocent suspect can be of.
    """
    for one in asked:
        if not one.close_enough:
            yield Finding(
                f"Among the {one.references} references of the lineage {one.lineage} the suspect's"
                f" rank gives p = {one.p_value:.3g}, and {one.rate:.3g} is needed: an innocent"
                " model of that lineage could be as close. So it cannot be called derived.",
                accuses=False,
            )


def _of_file(bundle: Bundle, digest: str) -> Iterator[Finding]:
    manifest = bundle.manifest
    if digest == manifest.victim.digest:
        yield Finding(SAME_FILE, clears=False)
    for reference in manifest.references:
        if digest == reference.digest:
            yield Finding(
                f"The suspect's file is the reference model {reference.name}. So no verdict is"
                " possible.",
                clears=False,
                accuses=False,
            )
    for companion in manifest.helpers:
        if digest == companion.digest:
            yield Finding(
                f"The suspect's file is {companion.name}, which helped to choose the probes. So"
                " no verdict is possible.",
                clears=False,
                accuses=False,
            )


def _of_input(bundle: Bundle, answers: Outputs, probes: Sequence[Image]) -> Iterator[Finding]:
    """The suspect may have been shown something else than it takes."""
    p = chance_p(answers, probes)
    if p is None:
        return
    reason = "its declared input may be wrong, or it was made for another task."
    if p > CHANCE:
        victims = chance_p(bundle.victim, probes)
        guesses = victims is not None and victims <= CHANCE
        yield Finding(
            "The suspect answers the labelled probes no better than chance"
            f" (permutation p = {p:.3f}): {reason} So it cannot be called"
            f" {'derived or ' if guesses else ''}independent.",
            clears=False,
            accuses=not guesses,
        )
        return
    others = [accuracy(reference, probes) for reference in bundle.references]
    right, low, high = accuracy(answers, probes), min(others), max(others)
    room = max(high - low + 1 / len(probes), 3 * math.sqrt(low * (1 - low) / len(probes)))
    if right < low - room:
        yield Finding(
            f"Whatever its classes are called, the suspect gets at most {right:.0%} of the"
            f" labelled probes right, and the references {low:.0%} to {high:.0%}: {reason} So it"
            " cannot be called independent.",
            clears=False,
        )


def assumptions(bundle: Bundle, suspect: Description, rule: Rule) -> list[str]:
    """What the false-positive rate rests on, in sentences."""
    references, probes = bundle.manifest.references, with_true_labels(bundle)
    lineages = sorted({reference.lineage for reference in references if reference.lineage})
    spread = f"of the lineages {', '.join(lineages)}" if lineages else "of lineages not stated"
    own = "one of these lineages"
    if suspect.lineage in lineages:
        own = f"its own lineage, which is stated to be {suspect.lineage}"
    asked = "The suspect was asked as its declaration says"
    if suspect.declaration is None and suspect.adapter != "recorded":
        asked = "The suspect was sent the probes' files as they are"
    elif suspect.declaration is None:
        asked = (
            "The recorded answers are taken on trust: nothing checks that they came from this"
            " suspect and these probes"
        )
    elif all(probe.label is None for probe in probes):
        asked += " (not checked, since the probes' true classes are not known)"
    innocent = (
        f"An innocent suspect is exchangeable with the {len(references)} references, which are"
        f" {spread}, or with those of {own}: it is equally likely to have any rank among them. An"
        " innocent model of another lineage, or one trained on the victim's own images, may be"
        " closer."
    )
    if rule is Rule.UNSEEN:
        innocent = (
            "An innocent suspect is like one more model of one more lineage, drawn as the"
            f" {len(references)} references were, which are {spread}. The distances of lineages,"
            " and of models within one, are roughly normal. A model trained on the victim's own"
            " images is closer and may be called derived, unless the references of its lineage"
            " were trained on them too."
        )
    return [
        innocent,
        "The references were trained without the victim's answers or weights, and no model was"
        " trained on the images that the probes were made from.",
        f"{asked}. It answered this audit as it answers anyone.",
        "The fingerprint's seal was published before the dispute.",
    ]
