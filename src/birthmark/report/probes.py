"""The probes that speak most, as the report shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from birthmark.audit.audit import Audited
from birthmark.bundle import Bundle
from birthmark.enrolment.population import with_true_labels
from birthmark.report.contributions import Answer, Contributions, Speaking, contributions
from birthmark.report.pictures import ProbePicture, probe_pictures

MOST_OF_A_GROUP = 2
"""Pictures shown of probes that belong together."""


@dataclass(frozen=True)
class Tile:
    """One probe, or some that belong together.

    Attributes
    ----------
    title
        "Probe 12", or "Probes 12 to 13".
    truth
        The true class in words; empty if not known.
    contribution
        As `Speaking`'s.
    pictures
        At most two.
    answers
        Role and answer in words.
    """

    title: str
    truth: str
    contribution: float
    pictures: list[ProbePicture]
    answers: list[tuple[str, str]]

    @property
    def alt(self) -> str:
        """What is seen, as far as a program knows."""
        seen = f", true class {self.truth}" if self.truth else ""
        return f"{self.title}{seen}: the image that the models were shown"


@dataclass(frozen=True)
class ProbesShown:
    """What the section on single probes shows."""

    about: Contributions
    speak_for: list[Tile]
    against: list[Tile]

    @property
    def coded_again(self) -> bool:
        """Whether pictures are smaller copies of the probes."""
        tiles = (*self.speak_for, *self.against)
        return any(picture.coded_again for tile in tiles for picture in tile.pictures)


def probes_shown(
    bundle: Bundle, audited: Audited, classes: Sequence[str] | None
) -> ProbesShown | None:
    """The probes that speak most for and against one suspect's derivation; None if that can't be.

    Parameters
    ----------
    bundle
        The fingerprint.
    audited
        The suspect's audit.
    classes
        Names of the victim's classes.
    """
    about = contributions(bundle, audited)
    if about is None:
        return None
    shown = [*about.speak_for, *about.against]
    pictures = probe_pictures([image for one in shown for image in one.images[:MOST_OF_A_GROUP]])
    labels = [image.label for image in with_true_labels(bundle)]

    def tile(one: Speaking) -> Tile:
        last = one.place + len(one.images)
        title = f"Probe {last}" if len(one.images) == 1 else f"Probes {one.place + 1} to {last}"
        label = labels[one.place]
        return Tile(
            title=title,
            truth="" if label is None else named(label, classes),
            contribution=one.contribution,
            pictures=[pictures[image.name] for image in one.images[:MOST_OF_A_GROUP]],
            answers=[(answer.role, said(answer, classes)) for answer in one.answers],
        )

    return ProbesShown(about, [tile(x) for x in about.speak_for], [tile(x) for x in about.against])


def named(number: int, classes: Sequence[str] | None) -> str:
    """A class by its name, or by its number."""
    return classes[number] if classes and number < len(classes) else str(number)


def said(answer: Answer, classes: Sequence[str] | None) -> str:
    """An answer in words: the class, and how sure the model is of it."""
    if answer.predicted is None:
        return ""
    word = named(answer.predicted, classes if answer.as_victim else None)
    if not answer.as_victim:
        word = f"its own class {word}"
    elif not classes:
        word = f"class {word}"
    if answer.share is None:
        return word
    return f"{word}, {'over 99%' if answer.share > 0.995 else f'{answer.share:.0%}'} sure"
