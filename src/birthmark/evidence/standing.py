"""Repeating what a fingerprint says of its references: who counts, and whether they fit."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from birthmark.bundle import Bundle
from birthmark.bundle.manifest import PopulationRecord
from birthmark.calibration.copies import TELLING
from birthmark.common.checks import Check
from birthmark.data.images import ImageSet, Progress
from birthmark.enrolment.asking import asked
from birthmark.enrolment.population import counted_once, standing, unselected_images
from birthmark.models.adapters import Suspect
from birthmark.probes import Draw
from birthmark.scores.methods import Method

CLOSE_RATE = 0.02
"""Accuracies and ratios may deviate by so much."""


def distinct_references(bundle: Bundle, known: Method | None) -> Check:
    """Whether no two references answer as one model does."""
    if known is None:
        sentence = "They were compared by an unknown method."
        return Check(name="references distinct", passed=None, sentence=sentence)
    if len(bundle.probes) < TELLING:
        sentence = f"{TELLING} probes or more are needed to tell whether two are the same model."
        return Check(name="references distinct", passed=None, sentence=sentence)
    groups = counted_once(bundle)
    if not groups:
        sentence = "No two references answer as one model would."
        return Check(name="references distinct", passed=True, sentence=sentence)
    names = [bundle.manifest.references[i].name for i in groups[0]]
    twice = sum(len(group) - 1 for group in groups)
    sentence = f"{twice} of {len(bundle.references)} answer as another one does, the first being "
    return Check(
        name="references distinct", passed=False, sentence=f"{sentence}{', '.join(names[:5])}."
    )


def same_standing(
    bundle: Bundle,
    known: Method,
    victim: Suspect,
    images: ImageSet,
    references: Sequence[Suspect | None],
    progress: Progress,
) -> Check:
    """Whether the victim stands among the references as the fingerprint says.

    Parameters
    ----------
    bundle
        The fingerprint; its manifest has a population.
    known
        Its method.
    victim, images
        What it was made from.
    references
        Its references that have a digest, None for those that were not passed.
    progress
        Is told how far it is.

    Raises
    ------
    BirthmarkError
        If a model fails or its answers are unusable.
    """
    name, manifest = "population", bundle.manifest
    recorded = manifest.population
    models = [one for one in references if one is not None]
    if recorded is None or len(models) < len(manifest.references):
        sentence = "This is repeated only if all references are passed."
        return Check(name=name, passed=None, sentence=sentence)
    draw = Draw(images.digest, victim.description.digest, manifest.seed)
    probes = unselected_images(images, victim, draw, manifest.images.resize)
    mine, *theirs = asked([victim, *models], probes, "Comparing models", progress)
    lineages = [one.lineage for one in manifest.references]
    again = standing(known, mine, theirs, lineages, probes)
    same = _alike(again, recorded)
    return Check(
        name=name,
        passed=same,
        sentence=f"How the victim stands among the references on {again.images} images"
        + (" comes out as recorded." if same else " does not come out as recorded."),
    )


def _alike(again: PopulationRecord, recorded: PopulationRecord) -> bool:
    """Alike but for what processors round differently."""
    if (again.fit is None) != (recorded.fit is None) or again.images != recorded.images:
        return False
    rates = [again.victim or 0.0, *again.references], [recorded.victim or 0.0, *recorded.references]
    if len(rates[0]) != len(rates[1]) or not np.allclose(*rates, rtol=0, atol=CLOSE_RATE):
        return False
    if again.fit is None or recorded.fit is None:
        return True
    mine, theirs = again.fit.model_dump(), recorded.fit.model_dump()
    return again.fit.fits == recorded.fit.fits and all(
        math.isclose(mine[key], theirs[key], rel_tol=CLOSE_RATE, abs_tol=CLOSE_RATE) for key in mine
    )
