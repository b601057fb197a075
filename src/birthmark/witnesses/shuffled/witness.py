"""Whether a suspect knows on which side of a sealed split images fell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from birthmark.audit.testimony import Testimony
from birthmark.common.errors import BirthmarkError
from birthmark.data.images import Image, ImageSet, Progress, silent
from birthmark.data.outputs import Kind, Outputs
from birthmark.models.adapters import Suspect
from birthmark.models.queries import ask, ask_some
from birthmark.witnesses.shuffled.chance import coins_p, hits_p, shuffle_p
from birthmark.witnesses.shuffled.plan import Drawn, Plan, Side, require_of

SMALLEST = 1e-300
SEALED = [
    "The plan's seal was published before the victim was trained, and before the suspect was."
]
EXISTING = [
    "The images that the victim was trained on were chosen at random. Nothing was sealed"
    " beforehand, so this is only the owner's word.",
    "The split was never public. Anyone who trains on the official part of a public data set"
    " knows that split.",
]
LEAST = 20
"""Fewest images of the split, or canaries, that say anything."""


@dataclass(frozen=True)
class Shuffled:
    """Images of a split in the order of asking, where they fell, and their true classes.

    Attributes
    ----------
    images
        Each once.
    drawn
        Of each, its side and the label it was trained with.
    truth
        int64 (n,).
    existing
        The split was there already, so only the number of images inside is fixed.
    """

    images: list[Image]
    drawn: list[Drawn]
    truth: NDArray[np.int64]
    existing: bool = False

    @classmethod
    def of(cls, plan: Plan, images: ImageSet, most: int | None = None) -> Shuffled:
        """The images to ask: all, or so many canaries first and then others, in a random order.

        Raises
        ------
        BirthmarkError
            If they are not those of the plan.
        """
        require_of(plan, images)
        first = {one.digest: i for i, one in enumerate(images.entries)}
        rng = np.random.default_rng(0)
        order = rng.permutation(sorted(first.values()))
        drawn = plan.of(images)
        chosen = sorted(order, key=lambda i: drawn[i].side is not Side.CANARY)[:most]
        return cls(
            [images[i] for i in chosen],
            [drawn[i] for i in chosen],
            np.array([images.entries[i].label for i in chosen], np.int64),
            plan.trained is not None,
        )

    def at(self, places: Sequence[int]) -> Shuffled:
        """Some of them."""
        return Shuffled(
            [self.images[i] for i in places],
            [self.drawn[i] for i in places],
            self.truth[list(places)],
            self.existing,
        )


@dataclass(frozen=True)
class Known:
    """What a suspect's answers show.

    Attributes
    ----------
    asked, inside
        Images of the split that were answered, and how many of them were trained on.
    z
        How much better the answers are inside, in standard deviations of fair coins.
    split_p, canary_p
        The p-values; None where there are too few images.
    canaries, hits
        How many canaries were answered, and how many with the drawn label.
    """

    asked: int
    inside: int
    z: float
    split_p: float | None
    canaries: int
    hits: int
    canary_p: float | None

    @property
    def p_value(self) -> float | None:
        """The smaller p-value, times how many there are."""
        found = [p for p in (self.split_p, self.canary_p) if p is not None]
        return max(SMALLEST, min(1.0, len(found) * min(found))) if found else None


def known(
    shuffled: Shuffled, answers: Outputs, classes: int, others: Sequence[Outputs] = ()
) -> Known:
    """Judge a suspect's answers.

    Parameters
    ----------
    shuffled
        What it answered to.
    answers
        The suspect's, in that order.
    classes
        How many classes the plan has.
    others
        Of models that had no part of the split: how hard each image is.

    Raises
    ------
    BirthmarkError
        If answers tell no classes.
    """
    canary = np.array([one.side is Side.CANARY for one in shuffled.drawn])
    truth, plain = shuffled.truth, np.flatnonzero(~canary)
    named = numbered(truth, answers, plain)
    heads = np.array([one.side is Side.INSIDE for one in shuffled.drawn])[plain]
    split_p, z = None, 0.0
    if len(plain) >= LEAST:
        others = [numbered(truth, one, plain).at(plain.tolist()) for one in others]
        test = shuffle_p if shuffled.existing else coins_p
        split_p, z = test(ease(truth[plain], named.at(plain.tolist()), others), heads)
    labels = np.array([one.label for one in shuffled.drawn if one.side is Side.CANARY])
    hits = int((named.predicted()[canary] == labels).sum()) if len(labels) else 0
    return Known(
        asked=len(heads),
        inside=int(heads.sum()),
        z=z,
        split_p=split_p,
        canaries=len(labels),
        hits=hits,
        canary_p=hits_p(hits, len(labels), classes) if len(labels) else None,
    )


def ease(
    truth: NDArray[np.int64], answers: Outputs, others: Sequence[Outputs]
) -> NDArray[np.float64]:
    """How well each image is answered, less what other models' answers predict; float64 (n,).

    The true class's log-probability; of labels whether it is right. Nothing here depends on which
    side an image fell.
    """
    mine = rightness(truth, answers)
    if not others:
        return mine
    theirs = np.mean([rightness(truth, one) for one in others], axis=0)
    there = theirs - theirs.mean()
    size = float(there @ there)
    return mine if size == 0 else np.asarray(mine - float(there @ mine) / size * there)


def rightness(truth: NDArray[np.int64], answers: Outputs) -> NDArray[np.float64]:
    """The true class's log-probability; of labels 1 if they are right, else 0; float64 (n,)."""
    here = np.arange(len(truth))
    if answers.kind is Kind.LABELS:
        return np.asarray(answers.predicted() == truth, np.float64)
    values = answers.values.astype(np.float64)
    if answers.kind is Kind.LOGITS:
        return np.asarray(scipy.special.log_softmax(values, axis=1)[here, truth])
    return np.asarray(np.log(np.maximum(values[here, truth], 1e-12)))


def numbered(truth: NDArray[np.int64], answers: Outputs, places: NDArray[np.int64]) -> Outputs:
    """The same answers with classes named so that most are right, whatever the suspect calls them.

    A class that no answer stands for, as where the suspect has fewer, is never right.

    Parameters
    ----------
    truth
        True classes, int64 (n,).
    answers
        To the same images.
    places
        The images by which classes are named, where they are enough; never canaries.

    Raises
    ------
    BirthmarkError
        If the answers tell no classes.
    """
    if not answers.kind.tells_classes:
        raise BirthmarkError(
            "the suspect", f"answers with {answers.kind}, which name no class", "ask a classifier"
        )
    said = answers.predicted()
    count = int(truth.max(initial=0)) + 1
    width = int(max(answers.classes, said.max(initial=0) + 1))
    cells = np.zeros((count, width))
    np.add.at(cells, (truth[places], said[places]), 1)
    rows, columns = np.arange(min(cells.shape)), np.arange(min(cells.shape))
    if len(places) >= LEAST and cells[rows, columns].sum() <= len(places) / 2:
        rows, columns = scipy.optimize.linear_sum_assignment(cells, maximize=True)
    if answers.kind is Kind.LABELS:
        names = np.full(width, -1)
        names[columns] = rows
        return Outputs(names[said], Kind.LABELS, count)
    low = answers.values.min() - 50 if answers.kind is Kind.LOGITS else 0
    values = np.full((len(said), max(count, width)), low, answers.values.dtype)
    values[:, rows] = answers.values[:, columns]
    left = np.setdiff1d(np.arange(width), columns)
    values[:, count : count + len(left)] = answers.values[:, left]
    return Outputs(values, answers.kind, values.shape[1])


def shuffled(
    plan: Plan,
    images: ImageSet,
    suspect: Suspect,
    references: Sequence[Suspect] = (),
    *,
    alpha: float,
    most: int | None = None,
    progress: Progress = silent,
) -> Testimony:
    """Ask a suspect about the images of a sealed split, and judge its answers.

    Parameters
    ----------
    plan, images
        The split, and the image set that was split.
    suspect
        The model in question.
    references
        Models that had no part of the split: they say how hard each image is.
    alpha
        The p-value that it takes to say that the suspect knows the split.
    most
        How many images to ask about; all if None.
    progress
        Is told how far it is.

    Raises
    ------
    BirthmarkError
        If the images are others, or a model can't answer them.
    """
    asked = Shuffled.of(plan, images, most)
    given = ask_some(suspect, asked.images, progress)
    answered = asked.at(given.places)
    others = [ask(one, answered.images, progress, plausible=False) for one in references]
    found = known(answered, given.outputs, plan.classes, others)
    sources = {"plan": plan.seal, "images": plan.images, "answers": given.outputs.digest}
    return testimony(
        suspect.description.name,
        found,
        alpha,
        sources,
        len(references),
        len(given.refused),
        existing=asked.existing,
    )


def testimony(
    suspect: str,
    found: Known,
    alpha: float,
    sources: dict[str, str],
    references: int,
    refused: int = 0,
    *,
    existing: bool = False,
) -> Testimony:
    """What that says, in words."""
    p = found.p_value
    if p is None:
        sentence = f"{suspect} answered too few of the shuffled images to say anything."
    elif p <= alpha:
        sentence = (
            f"{suspect} knows what only the victim was shown: which images were trained on, or"
            f" which labels were drawn (p = {p:.2g})."
        )
    else:
        sentence = (
            f"{suspect} shows no sign of knowing what only the victim was shown (p = {p:.2g}),"
            " which does not prove that it owes the victim nothing."
        )
    measured = [
        f"{found.asked} images of the split were answered, and {found.inside} of them were trained"
        f" on. Answers to these are better by {found.z:.1f} standard deviations of fair coin flips"
        + (f", compared with the answers of {references} other models." if references else ".")
    ]
    if found.canaries:
        measured.append(
            f"{found.hits} of {found.canaries} canaries were answered with the label that was drawn"
            f" for them (p = {found.canary_p:.2g})."
        )
    if refused:
        measured.append(f"{refused} images were refused.")
    return Testimony(
        witness="shuffled",
        sentence=sentence,
        p_value=p,
        exact=True,
        measured=measured,
        assumes=[
            *(EXISTING if existing else SEALED),
            "An innocent suspect never saw the split: it was trained on all of these images, on"
            " others, or on some that someone chose without the plan.",
            *(
                ["The models that show how hard an image is were trained without the split, too."]
                if references
                else []
            ),
        ],
        cannot_tell=[
            "Whether the suspect has the victim's weights, learnt from its answers, or was"
            " trained on the owner's half: anyone who got only that half knows the split too.",
            "A thief who took little: too few images, or a victim that remembers little, would"
            " hide it.",
        ],
        sources=sources,
    )
