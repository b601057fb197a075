"""Repeating a fingerprint from its sources, so that an accuser cannot have chosen its contents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.metadata import version

import numpy as np
import scipy

from birthmark.audit.audit import audit
from birthmark.audit.rule import Rule
from birthmark.audit.verdict import Verdict
from birthmark.bundle import Bundle, Manifest
from birthmark.calibration import enough, held_rate, interval, smallest_p
from birthmark.common.checks import Check, Checked
from birthmark.common.errors import BirthmarkError
from birthmark.data.images import Image, ImageSet, Progress, silent
from birthmark.data.outputs import Kind, Outputs
from birthmark.enrolment.population import counting
from birthmark.evidence.standing import distinct_references, same_standing
from birthmark.models.adapters import Description, Suspect
from birthmark.models.queries import ask
from birthmark.probes import Companions, Draw
from birthmark.scores.methods import Method, method

TOLERANCE = 1e-3
"""Answers may deviate by so much of the largest recorded one: processors round differently."""
LEVEL = 0.025
"""The chance that an honest fingerprint fails by its controls, at most."""

Key = tuple[str, str | None]
"""What a model is found by: its digest, and its name where a file holds several functions."""


class Recheck(Checked):
    """What came of repeating a fingerprint."""


def recheck(
    bundle: Bundle,
    victim: Suspect,
    images: ImageSet,
    models: Sequence[Suspect],
    control: Sequence[Suspect] = (),
    alpha: float = 0.05,
    progress: Progress = silent,
) -> Recheck:
    """Repeat a fingerprint's selection from its sources and compare.

    Parameters
    ----------
    bundle
        The fingerprint.
    victim, images
        What it was made from.
    models
        References and companions, found by their digests; others are left aside.
    control
        Independent models that the accuser did not choose; the fingerprint's own are left out.
    alpha
        The false-positive rate that controls are held against, 0 to 1.
    progress
        Is told how far it is.

    Raises
    ------
    BirthmarkError
        If a model fails or its answers are unusable.
    """
    manifest = bundle.manifest
    known, checked = _method(manifest)
    have = {key: one for one in models if (key := _key(one.description)) is not None}
    checks = [
        _images(manifest, images),
        _victim(manifest, victim),
        _distinct(manifest),
        checked,
        _probes(bundle, known, victim, images, have, progress),
        _victims_answers(bundle, victim, progress),
        _references_answers(bundle, have, progress),
        distinct_references(bundle, known),
    ]
    if known is not None and manifest.population is not None:
        theirs = [have.get(key) for one in manifest.references if (key := _key(one)) is not None]
        checks.append(same_standing(bundle, known, victim, images, theirs, progress))
    if control:
        checks.append(_control(bundle, control, alpha, progress))
    return Recheck(checks=checks)


def chance_of_controls(below: int, controls: int, references: int, alpha: float) -> float:
    """How often so many controls or more have p <= alpha if they and the references are alike.

    All controls are ranked among the same references, so their p-values are not independent: the
    number with p <= alpha is beta-binomial, wider than a binomial of rate alpha. Ties make it
    smaller.

    Source: Vovk, "Conditional validity of inductive conformal predictors", Machine Learning 92,
    2013, proposition 2b.

    Parameters
    ----------
    below
        How many have p <= alpha, 0 to `controls`.
    controls, references
        How many there are, at least 1.
    alpha
        The rate that holds, above 0 and below 1; by the rule `rank` a multiple of
        1 / (references + 1).
    """
    closest = alpha * (references + 1)
    return float(scipy.stats.betabinom.sf(below - 1, controls, closest, references + 1 - closest))


def _key(description: Description) -> Key | None:
    if description.digest is None:
        return None
    return description.digest, description.name if description.adapter == "callable" else None


def _method(manifest: Manifest) -> tuple[Method | None, Check]:
    try:
        known = method(manifest.method)
    except BirthmarkError as error:
        return None, Check(name="method", passed=False, sentence=f"{error}.")
    return known, Check(
        name="method",
        passed=known.name == manifest.method,
        sentence=f"{manifest.method} is {'known' if known.name == manifest.method else known.name}"
        f"; seed {manifest.seed}, {_drawn(manifest)}.",
    )


def _drawn(manifest: Manifest) -> str:
    if manifest.seed_from is None:
        return "chosen by the accuser; nobody can know how many were tried before"
    return f"which comes from {manifest.seed_from!r}: check that this was public and of its day"


def _images(manifest: Manifest, images: ImageSet) -> Check:
    recorded = manifest.images
    same = (images.digest, len(images)) == (recorded.digest, recorded.count)
    return Check(
        name="image set",
        passed=same,
        sentence=f"It holds the {len(images)} images on record."
        if same
        else f"{len(images)} images with the digest {images.digest} were passed, but"
        f" {recorded.count} with {recorded.digest} are on record.",
    )


def _victim(manifest: Manifest, victim: Suspect) -> Check:
    recorded, given = manifest.victim.digest, victim.description.digest
    if recorded is None:
        sentence = (
            "It was not a file, so its digest is not on record and the draw is not tied to it."
        )
        return Check(name="victim", passed=None, sentence=sentence)
    return Check(
        name="victim",
        passed=recorded == given,
        sentence="It is the file on record."
        if recorded == given
        else f"Its digest is {given or 'not known'}, but {recorded} is on record.",
    )


def _distinct(manifest: Manifest) -> Check:
    named = [manifest.victim, *manifest.helpers, *manifest.references]
    first: dict[Key, str] = {}
    twice, unknown = [], 0
    for one in named:
        key = _key(one)
        if key is None:
            unknown += 1
        elif key in first:
            twice.append(f"{one.name} is {first[key]}")
        else:
            first[key] = one.name
    if twice:
        sentence = f"{len(twice)} of {len(named)} appear twice: {twice[0]}."
        return Check(name="models distinct", passed=False, sentence=sentence)
    sentence = f"Victim, companions and references are {len(first)} different files"
    sentence += f"; {unknown} have no digest." if unknown else "."
    return Check(name="models distinct", passed=None if unknown else True, sentence=sentence)


def _companions(
    manifest: Manifest, have: dict[Key, Suspect]
) -> tuple[Companions, list[Description]]:
    """Those that helped to choose the probes, and those of them that were not passed."""
    helped = manifest.companions
    if helped is None:
        return Companions(), []

    def found(some: Sequence[Description]) -> list[Suspect]:
        return [have[key] for one in some if (key := _key(one)) in have and key is not None]

    missing = [one for one in manifest.helpers if _key(one) not in have]
    return Companions(found(helped.surrogates), found(helped.outsiders)), missing


def _probes(
    bundle: Bundle,
    known: Method | None,
    victim: Suspect,
    images: ImageSet,
    have: dict[Key, Suspect],
    progress: Progress,
) -> Check:
    name, manifest = "probes", bundle.manifest
    if known is None:
        return Check(name=name, passed=None, sentence="They were made by an unknown method.")
    companions, missing = _companions(manifest, have)
    if missing:
        sentence = (
            f"{len(missing)} models that helped to choose them were not passed, the first being"
        )
        return Check(name=name, passed=None, sentence=f"{sentence} {missing[0].name}.")
    n = len(bundle.probes)
    progress("Making probes", 0, n)
    draw = Draw(images.digest, victim.description.digest, manifest.seed)
    try:
        again = known.probes.select(images, victim, n, draw, manifest.images.resize, companions)
    except BirthmarkError as error:
        sentence = f"They cannot be made from what was passed: {error}."
        return Check(name=name, passed=None, sentence=sentence)
    progress("Making probes", n, n)
    pairs = zip(bundle.probes, again, strict=True)
    deviating = [i for i, (had, made) in enumerate(pairs) if not _same(had, made)]
    if not deviating:
        sentence = f"All {n} are what the draw gives."
        return Check(name=name, passed=True, sentence=sentence)
    first = bundle.probes[deviating[0]].name
    sentence = f"{len(deviating)} of {n} are not what the draw gives, the first being {first}."
    return Check(name=name, passed=False, sentence=sentence + _versions(manifest))


def _same(had: Image, made: Image) -> bool:
    return (had.digest, had.label) == (made.digest, made.label)


def _versions(manifest: Manifest) -> str:
    """A reason why honest probes may deviate, if there is one."""
    other = [
        f"{library} {recorded}, here {version(library)}"
        for library in ("birthmark", "numpy", "pillow")
        if (recorded := manifest.libraries.get(library)) != version(library)
    ]
    return f" They were made with {'; '.join(other)}: repeat it with those." if other else ""


def _victims_answers(bundle: Bundle, victim: Suspect, progress: Progress) -> Check:
    deviates, sentence = _deviation(bundle.victim, victim, bundle, progress)
    return Check(name="victim's answers", passed=not deviates, sentence=f"{sentence}.")


def _deviation(
    recorded: Outputs, model: Suspect, bundle: Bundle, progress: Progress
) -> tuple[bool, str]:
    """Whether a model answers otherwise than recorded, and by how much."""
    given = ask(model, bundle.probes, progress)
    if (given.kind, given.values.shape) != (recorded.kind, recorded.values.shape):
        return True, (
            f"{given.kind} {given.values.shape} were given, but {recorded.kind}"
            f" {recorded.values.shape} are on record"
        )
    if recorded.kind is Kind.LABELS:
        other = int((given.values != recorded.values).sum())
        return other > 0, f"{other} of {len(recorded)} labels differ"
    allowed = TOLERANCE * float(np.abs(recorded.values).max())
    most = float(np.abs(given.values - recorded.values).max())
    same = np.allclose(given.values, recorded.values, rtol=0, atol=allowed)
    return not same, f"The largest difference is {most:.2g} ({allowed:.2g} is allowed)"


def _references_answers(bundle: Bundle, have: dict[Key, Suspect], progress: Progress) -> Check:
    name, described = "references' answers", bundle.manifest.references
    found = [
        (i, have[key]) for i, one in enumerate(described) if (key := _key(one)) in have and key
    ]
    if not found:
        sentence = f"None of the {len(described)} references was passed."
        return Check(name=name, passed=None, sentence=sentence)
    deviating = []
    for done, (i, model) in enumerate(found):
        progress("Asking references", done, len(found))
        deviates, sentence = _deviation(bundle.references[i], model, bundle, silent)
        if deviates:
            deviating.append(f"{described[i].name}: {sentence}")
    progress("Asking references", len(found), len(found))
    passed = f"{len(found)} of {len(described)} references were passed"
    if deviating:
        sentence = f"{passed}; {len(deviating)} answer differently, the first being {deviating[0]}."
        return Check(name=name, passed=False, sentence=sentence)
    return Check(
        name=name,
        passed=True if len(found) == len(described) else None,
        sentence=f"{passed}, and they answer as recorded.",
    )


def _strangers(manifest: Manifest, control: Sequence[Suspect]) -> Iterator[Suspect]:
    """Controls that are none of the fingerprint's models, each once."""
    seen = {_key(one) for one in (manifest.victim, *manifest.references, *manifest.helpers)}
    for one in control:
        key = _key(one.description)
        if key is None or key not in seen:
            yield one
        seen.add(key)


def _control(bundle: Bundle, control: Sequence[Suspect], alpha: float, progress: Progress) -> Check:
    bundle = counting(bundle)
    name, n = "controls", len(bundle.references)
    lineages = [one.lineage for one in bundle.manifest.references]
    rule = Rule.UNSEEN if enough(lineages, bundle.manifest.victim.lineage) else Rule.RANK
    if not 0 < alpha < 1 or (rule is Rule.RANK and smallest_p(n) > alpha):
        sentence = f"A rate of {alpha:g} cannot be reached with {n} references."
        return Check(name=name, passed=None, sentence=sentence)
    strangers = list(_strangers(bundle.manifest, control))
    if not strangers:
        sentence = "Only the fingerprint's own models were passed."
        return Check(name=name, passed=None, sentence=sentence)
    below = derived = 0
    for done, one in enumerate(strangers):
        progress("Auditing controls", done, len(strangers))
        result = audit(
            bundle,
            one,
            alpha=alpha,
            independent_above=max(alpha, 0.5),
            rule=rule,
            repeats=0,
        ).result
        below += result.p_value <= alpha and (rule is Rule.RANK or not result.as_close)
        derived += result.verdict is Verdict.DERIVED
    progress("Auditing controls", len(strangers), len(strangers))
    low, high = interval(below, len(strangers))
    closest = alpha if rule is Rule.UNSEEN else held_rate(alpha, n)
    chance = chance_of_controls(below, len(strangers), n, closest)
    return Check(
        name=name,
        passed=chance > LEVEL,
        sentence=f"Of {len(strangers)} models that the accuser did not choose, {below} have"
        f" p <= {alpha:g} (a rate of {low:.2g} to {high:.2g}), and {derived} would be called"
        " derived."
        + (
            f" If they were like the {n} references, this many or more would happen with"
            f" probability {chance:.2g}."
            if below
            else ""
        ),
    )
