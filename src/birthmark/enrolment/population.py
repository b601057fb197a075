"""Whether references fit the victim: its population, its competence, and who counts once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from birthmark.bundle import Bundle
from birthmark.bundle.manifest import PopulationRecord
from birthmark.calibration.copies import TELLING, groups
from birthmark.calibration.population import Fit, Matrix, fit
from birthmark.data.images import Image, ImageSet
from birthmark.data.outputs import Outputs
from birthmark.models.adapters import Suspect
from birthmark.models.queries import ENOUGH_LABELS, accuracy
from birthmark.probes import PROBES, Draw
from birthmark.scores import Score
from birthmark.scores.fri import Fri
from birthmark.scores.methods import Method, common_kind, method
from birthmark.scores.partial import correlations

IMAGES = 200
"""How many images, chosen by nobody's answers, models are compared on."""
CODED = "jpeg25"
"""How these are made."""
TWICE, MARGIN = 2.0, 0.05
"""One model is far weaker than another with more than twice its errors and five points."""
MOST_UNEQUAL = 0.5
"""So large a share of the references may be far weaker, or far better, than the victim."""


def unselected(chosen: Method) -> bool:
    """Whether a method's probes are chosen by nobody's answers."""
    return not (chosen.probes.asks_victim or chosen.probes.asks_companions)


def unselected_images(
    images: ImageSet, victim: Suspect, draw: Draw, resize: tuple[int, int] | None
) -> list[Image]:
    """Images that were chosen by nobody's answers, coded as most probes are."""
    plain = PROBES.make(CODED)
    return plain.select(images, victim, min(IMAGES, len(images)), draw, resize)


def among(score: Score, frame: Outputs, models: Sequence[Outputs]) -> Matrix:
    """Correlations of models' answers, (models, models); of FRI its relative similarities'.

    Parameters
    ----------
    score
        The method's.
    frame
        The victim's answers, with which classes are lined up.
    models
        Answers of the same kind to the same probes.
    """
    if isinstance(score, Fri):
        frame, models = score.relative(frame), [score.relative(one) for one in models]
        return correlations(frame, models, matches=False)
    return correlations(frame, models)


def standing(
    chosen: Method,
    victim: Outputs,
    references: Sequence[Outputs],
    lineages: Sequence[str | None],
    probes: Sequence[Image],
) -> PopulationRecord:
    """How the victim stands among references.

    Parameters
    ----------
    chosen
        The fingerprint's method.
    victim, references
        Answers to images that were chosen by nobody's answers.
    lineages
        Of the references.
    probes
        These images, with their labels if they are known.
    """
    everyone = [victim, *references]
    kind = common_kind([one.kind for one in everyone], chosen.score)
    brought = [one.to(kind) if kind.tells_classes else one for one in everyone]
    right: list[float] = []
    labelled = sum(probe.label is not None for probe in probes) >= ENOUGH_LABELS
    if labelled and kind.tells_classes:
        right = [round(accuracy(one, probes), 4) for one in everyone]
    return PopulationRecord(
        images=len(probes),
        fit=fit(among(chosen.score, brought[0], brought), lineages),
        victim=right[0] if right else None,
        references=right[1:],
    )


def with_true_labels(bundle: Bundle) -> list[Image]:
    """The probes, without labels where those are no true classes that answers go with."""
    if method(bundle.manifest.method).probes.true_labels:
        return bundle.probes
    return [replace(probe, label=None) for probe in bundle.probes]


def population(bundle: Bundle) -> PopulationRecord | None:
    """How a fingerprint's victim stands among its references; None if nobody has looked.

    Where its probes were chosen by nobody's answers, it follows from these.
    """
    manifest = bundle.manifest
    chosen = method(manifest.method)
    if not unselected(chosen):
        return manifest.population
    lineages = [one.lineage for one in manifest.references]
    probes = with_true_labels(bundle)
    return standing(chosen, bundle.victim, bundle.references, lineages, probes)


def of_suspect(
    score: Score,
    frame: Outputs,
    suspect: Outputs,
    references: Sequence[Outputs],
    lineages: Sequence[str | None],
) -> Fit | None:
    """How a suspect stands among references, the victim left out; None with fewer than two."""
    return fit(among(score, frame, [suspect, *references]), lineages)


def weak(record: PopulationRecord) -> list[int]:
    """Places of the references that are far weaker than the victim."""
    if record.victim is None:
        return []
    limit = TWICE * (1 - record.victim) + MARGIN
    return [i for i, right in enumerate(record.references) if 1 - right > limit]


def strong(record: PopulationRecord) -> list[int]:
    """Places of the references than which the victim is far weaker."""
    if record.victim is None:
        return []
    limit = (1 - record.victim - MARGIN) / TWICE
    return [i for i, right in enumerate(record.references) if 1 - right < limit]


def distinct(references: int, counted: Sequence[Sequence[int]]) -> list[int]:
    """Places of the references that count, of so many: the first of each group and all others."""
    twice = {i for group in counted for i in group[1:]}
    return [i for i in range(references) if i not in twice]


def counted_once(bundle: Bundle) -> list[list[int]]:
    """Places of references that answer as one model does, in groups of two or more."""
    return _as_one(bundle, bundle.references)


def of_victim(bundle: Bundle) -> list[int]:
    """Places of references that answer as the victim does."""
    found = _as_one(bundle, [bundle.victim, *bundle.references])
    return [i - 1 for group in found if 0 in group for i in group[1:]]


def _as_one(bundle: Bundle, models: Sequence[Outputs]) -> list[list[int]]:
    if len(bundle.probes) < TELLING:
        return []
    score = method(bundle.manifest.method).score
    everyone = [bundle.victim, *models]
    kind = common_kind([one.kind for one in everyone], score)
    frame, *others = [one.to(kind) if kind.tells_classes else one for one in everyone]
    return [group for group in groups(among(score, frame, others)) if len(group) > 1]


def counting(bundle: Bundle) -> Bundle:
    """The same with the references that count: the first of those that answer as one model does."""
    return bundle.keeping(distinct(len(bundle.references), counted_once(bundle)))
