"""From a victim, images and independent models to a fingerprint."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib.metadata import version

from birthmark.asking import CHANCE, ask, chance_p
from birthmark.bundle import Bundle, Manifest, ProbeRecord
from birthmark.bundle.archive import outputs_bytes
from birthmark.bundle.manifest import MAX_PROBES, ImageSetRecord
from birthmark.digests import sha256
from birthmark.errors import BirthmarkError
from birthmark.images import Image, ImageSet, Progress, silent
from birthmark.methods import common_kind, method
from birthmark.outputs import Outputs
from birthmark.probes import Draw
from birthmark.suspects import Suspect

LIBRARIES = ("birthmark", "numpy", "onnxruntime", "pillow")


def enroll(
    victim: Suspect,
    images: ImageSet,
    references: Sequence[Suspect],
    *,
    method_name: str = "sac-jc",
    n: int = 100,
    seed: int = 0,
    resize: tuple[int, int] | None = None,
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
        that an audit can reach.
    method_name
        Which method, by its full name or the paper's.
    n
        How many probes, 2 to 20,000.
    seed
        Draws the images.
    resize
        (width, height) to bring all images to first.
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
            "there are none, so no verdict would ever be possible",
            "pass independent models with --references: 19 for a verdict at 5%, 99 at 1%",
        )
    _require_distinct(victim, references)
    chosen = method(method_name)
    kinds = [victim.description.output, *(one.description.output for one in references)]
    common_kind(kinds, chosen.score)
    draw = Draw(images.digest, victim.description.digest, seed)
    probes = chosen.probes.select(images, victim, n, draw, resize)
    progress("Making probes", n, n)
    mine = ask(victim, probes, progress)
    if not chosen.probes.asks_victim:
        _require_better_than_chance(victim, mine, probes)
    theirs = []
    for i, reference in enumerate(references):
        progress("Asking references", i, len(references))
        outputs = ask(reference, probes)
        _require_better_than_chance(reference, outputs, probes)
        theirs.append(outputs)
    progress("Asking references", len(references), len(references))
    manifest = Manifest(
        method=chosen.name,
        seed=seed,
        images=ImageSetRecord(digest=images.digest, count=len(images), resize=resize),
        victim=victim.description,
        references=[reference.description for reference in references],
        probes=[
            ProbeRecord(
                file=probe.name, digest=probe.digest, pixels=probe.pixel_digest, label=probe.label
            )
            for probe in probes
        ],
        outputs=sha256(outputs_bytes(mine, theirs)),
        libraries={"python": platform.python_version()}
        | {library: version(library) for library in LIBRARIES},
    )
    return Bundle(manifest, probes, mine, theirs)


def _require_distinct(victim: Suspect, references: Sequence[Suspect]) -> None:
    seen = {victim.description.digest: f"the victim {victim.description.name}"}
    for reference in references:
        digest, name = reference.description.digest, reference.description.name
        if digest is not None and digest in seen and reference.description.adapter != "callable":
            raise BirthmarkError(
                name, f"is the same file as {seen[digest]}", "pass each independent model once"
            )
        seen[digest] = name


def _require_better_than_chance(model: Suspect, outputs: Outputs, probes: list[Image]) -> None:
    p = chance_p(outputs, probes)
    if p is not None and p > CHANCE:
        raise BirthmarkError(
            model.description.name,
            f"answers the labelled probes no better than chance (permutation p = {p:.3f})",
            "check its declared range, mean, deviation and channel order;"
            " if the images' labels mean something else, pass --no-labels",
        )
