"""From a victim, images and independent models to a fingerprint."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib.metadata import version

from birthmark.bundle import Bundle, Manifest, ProbeRecord
from birthmark.bundle.archive import outputs_bytes
from birthmark.bundle.manifest import (
    MAX_PROBES,
    CompanionRecords,
    ImageSetRecord,
    nameable,
    seed_of,
)
from birthmark.common.digests import sha256
from birthmark.common.errors import BirthmarkError, one_line
from birthmark.data.images import Image, ImageSet, Progress, silent
from birthmark.data.outputs import Outputs
from birthmark.enrolment.asking import asked
from birthmark.enrolment.defaults import defaults
from birthmark.enrolment.population import (
    MOST_UNEQUAL,
    of_victim,
    standing,
    unselected,
    unselected_images,
)
from birthmark.models.adapters import Suspect
from birthmark.models.adapters.recorded import RecordedSuspect
from birthmark.models.queries import CHANCE, ask, chance_p
from birthmark.probes import Companions, Draw, ProbeMethod
from birthmark.scores.methods import BEST, common_kind, method

LIBRARIES = ("birthmark", "numpy", "onnxruntime", "pillow")


def enroll(
    victim: Suspect,
    images: ImageSet,
    references: Sequence[Suspect],
    *,
    method_name: str = BEST,
    n: int = 100,
    seed: int = 0,
    seed_from: str | None = None,
    resize: tuple[int, int] | None = None,
    start: str | None = None,
    split: str | None = None,
    name: str | None = None,
    companions: Companions = Companions(),
    workers: int = 1,
    engine: str = "joblib",
    progress: Progress = silent,
) -> Bundle:
    """Make a fingerprint.

    Parameters
    ----------
    victim
        The owner's model.
    images
        Images to make probes of: like those the model is for, and trained on by nobody.
    references
        Independent models, which the suspect is compared with: the more, the smaller the p-value
        that an audit can reach. Those that answer labelled images no better than chance are left
        out, up to half of them (`left_out`).
    method_name
        Which method, by its full name or the paper's; for `birthmark` see
        `birthmark.enrolment.defaults`.
    n
        How many probes, 2 to 20,000.
    seed
        Draws the images.
    seed_from
        Words that give the seed instead, of which anyone can see that they were not chosen: a
        public beacon's value of a day that was named before. So nobody can say that many seeds
        were tried.
    resize
        (width, height) to bring all images to first.
    start
        What the victim's training began from: `random`, or the name of a checkpoint, which the
        references that share it have after an `@` in their lineage's name. An assertion that every
        accusation rests on; None if nobody makes it.
    split
        The seal of the plan by which the victim's images were drawn, if they were.
    name
        What reports call the victim; its own name if not given.
    companions
        Models that help to choose the probes, for methods that ask them; none of them is the victim
        or a reference.
    workers
        How many models in files are asked at a time; the fingerprint is the same.
    engine
        `joblib`, or `ray` for machines that share the files.
    progress
        Is told how far it is.

    Raises
    ------
    BirthmarkError
        If images or models don't allow it.
    """
    if not 2 <= n <= MAX_PROBES:
        raise BirthmarkError("-n", f"is {n}", f"ask for 2 to {MAX_PROBES} probes")
    if not references:
        raise BirthmarkError(
            "references",
            "there are none, so no verdict would be possible",
            "pass independent models of two or more lineages with --references, say 16 of eight",
        )
    if start is not None and not nameable(start):
        raise BirthmarkError(
            "--start", f"is {start[:200]!r}", "pass random, or a checkpoint's name without an @"
        )
    _require_one_start(start, victim.description.lineage)
    if seed_from is not None:
        if seed or seed_from != one_line(seed_from, 500) or not seed_from:
            raise BirthmarkError(
                "--seed-from", f"is {seed_from[:200]!r}", "pass one line of words, and no --seed"
            )
        seed = seed_of(seed_from)
    _require_distinct(victim, references, companions)
    for model in (victim, *references):
        if isinstance(model, RecordedSuspect) and not model.names_images:
            raise BirthmarkError(
                model.description.name,
                "does not say which image each answer belongs to, and enrolment draws new probes",
                "name them: add a column 'probe' (in an npz an array 'probes') of file names or"
                " digests",
            )
    draw = Draw(images.digest, victim.description.digest, seed)
    if method_name == BEST:
        method_name, references, companions = defaults(
            victim, images, references, companions, n, draw
        )
    chosen = method(method_name)
    _require_use(chosen.probes, companions)
    kinds = [victim.description.output, *(one.description.output for one in references)]
    common_kind(kinds, chosen.score)
    probes = chosen.probes.select(images, victim, n, draw, resize, companions)
    progress("Making probes", n, n)
    mine = ask(victim, probes, progress)
    theirs = asked(references, probes, "Asking references", progress, workers, engine)
    record = None
    able = list(range(len(references)))
    if unselected(chosen):
        if chosen.probes.true_labels:
            able = _able(victim, references, [mine, *theirs], probes)
    elif all(one.description.adapter != "recorded" for one in (victim, *references)):
        plain = unselected_images(images, victim, draw, resize)
        everyone = [victim, *references]
        answers = asked(everyone, plain, "Comparing models", progress, workers, engine)
        able = _able(victim, references, answers, plain)
        lineages = [references[i].description.lineage for i in able]
        record = standing(chosen, answers[0], [answers[i + 1] for i in able], lineages, plain)
    references, theirs = [references[i] for i in able], [theirs[i] for i in able]
    manifest = Manifest(
        method=chosen.name,
        seed=seed,
        seed_from=seed_from,
        images=ImageSetRecord(digest=images.digest, count=len(images), resize=resize),
        victim=victim.description.named(name),
        references=[reference.description for reference in references],
        probes=[
            ProbeRecord(
                file=probe.name, digest=probe.digest, pixels=probe.pixel_digest, label=probe.label
            )
            for probe in probes
        ],
        outputs=sha256(outputs_bytes(mine, theirs)),
        start=start,
        population=record,
        libraries={"python": platform.python_version()}
        | {library: version(library) for library in LIBRARIES},
        companions=_recorded(companions),
        split=split,
    )
    bundle = Bundle(manifest, probes, mine, theirs)
    _require_not_the_victim(bundle)
    return bundle


def left_out(references: Sequence[Suspect], manifest: Manifest) -> list[str]:
    """Names of the references that were passed and left out, since they only guess."""
    kept = [*manifest.references, *manifest.helpers]
    return [one.description.name for one in references if one.description not in kept]


def _recorded(companions: Companions) -> CompanionRecords | None:
    if not companions:
        return None
    return CompanionRecords(
        surrogates=[one.description for one in companions.surrogates],
        outsiders=[one.description for one in companions.outsiders],
    )


def _require_one_start(start: str | None, lineage: str | None) -> None:
    """Refuse two statements of what the victim began from that can't both be true."""
    named = (lineage or "").partition("@")[2]
    if start is not None and named and named != start:
        raise BirthmarkError(
            "--start",
            f"is {start}, but the lineage {lineage} started from {named}",
            f"pass --start {named}, or your model's own lineage",
        )


def _require_not_the_victim(bundle: Bundle) -> None:
    """Refuse references that owe the victim everything."""
    names = [bundle.manifest.references[i].name for i in of_victim(bundle)]
    if names:
        raise BirthmarkError(
            names[0],
            "answers exactly as your model does, so it is not independent",
            f"leave {'it' if len(names) == 1 else ', '.join(names)} out of the references",
        )


def _require_distinct(
    victim: Suspect, references: Sequence[Suspect], companions: Companions
) -> None:
    """Refuse a file that is passed twice.

    A reference that also helped to choose the probes would have a rank that no innocent has.
    """
    seen = {victim.description.digest: f"the victim {victim.description.name}"}
    helping = [*companions.surrogates, *companions.outsiders]
    for i, model in enumerate([*references, *helping]):
        digest, name = model.description.digest, model.description.name
        if digest is not None and digest in seen and model.description.adapter != "callable":
            raise BirthmarkError(
                name,
                f"is the same file as {seen[digest]}",
                "pass each independent model once"
                if i < len(references)
                else "pass surrogates and outsiders once each; they must be neither the victim"
                " nor references",
            )
        seen[digest] = f"the reference {name}" if i < len(references) else name


def _require_use(probes: ProbeMethod, companions: Companions) -> None:
    if companions and not probes.asks_companions:
        raise BirthmarkError(
            probes.name,
            "use no surrogates and no outsiders",
            "leave these out, or choose a method that uses them, such as sac-w",
        )


def _able(
    victim: Suspect,
    references: Sequence[Suspect],
    answers: Sequence[Outputs],
    probes: list[Image],
) -> list[int]:
    """Places of the references that answer better than chance.

    Parameters
    ----------
    victim, references
        The models.
    answers
        Theirs, in this order, to images that were chosen by nobody's answers.
    probes
        These images.

    Raises
    ------
    BirthmarkError
        If the victim does not, or more than half of the references don't.
    """
    guesses = [p is not None and p > CHANCE for p in (chance_p(one, probes) for one in answers)]
    able = [i for i, guess in enumerate(guesses[1:]) if not guess]
    few = len(able) < (1 - MOST_UNEQUAL) * len(references)
    if guesses[0] or few:
        names = [one.description.name for one in (victim, *references)]
        others = len(references) - len(able) - 1
        and_others = f"(and so do {others} other references)" if few and others else ""
        raise BirthmarkError(
            names[0] if guesses[0] else names[guesses.index(True)],
            f"does no better than chance on labelled images{'' if guesses[0] else and_others}",
            "check its declared range, mean, deviation and channel order; if the labels mean"
            " something else, pass --no-labels",
        )
    return able
