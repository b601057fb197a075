"""What is asked for of `birthmark references`, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from birthmark.common.digests import canonical_json, sha256, sha256_of_file
from birthmark.common.errors import BirthmarkError
from birthmark.data.images import ImageSet
from birthmark.data.outputs import Kind
from birthmark.models.adapters import Declaration, Suspect
from birthmark.references.recipe import Recipes
from birthmark.references.split import labels_of

MOST_SIDE = 64
"""Built-in networks see images at this side at most."""
EMBEDDING = 64
"""Numbers of an embedding."""
FORMAT = 2
"""Raised when the code changes what comes of the same settings."""


@dataclass(frozen=True)
class Wanted:
    """What is asked for.

    Attributes
    ----------
    images
        Labelled images like those the victim is for, which it was not trained on.
    owner_images
        Images that the victim was trained on, if they are known: every reference gets its own share
        of them, as an innocent may share data with the victim.
    victim
        The owner's model: says how good references are to be, and how images are brought to it.
    own
        Its network: built-in, `module:factory` or `timm:NAME`.
    init, start
        The checkpoint that it began from, and what that is called.
    recipes
        How they are trained.
    count
        How many references.
    size, channels
        Where there is no victim to say: the side of the images, and 1 or 3.
    seed
        Divides the images and draws the models.
    device
        Where they are trained.
    """

    images: ImageSet
    owner_images: ImageSet | None = None
    victim: Suspect | None = None
    own: str | None = None
    init: str | None = None
    start: str | None = None
    recipes: Recipes = field(default_factory=Recipes)
    count: int = 16
    size: int | None = None
    channels: Literal[1, 3] | None = None
    verification: bool = False
    seed: int = 0
    device: str = "cpu"

    def settings(self) -> str:
        """Digest of all that the weights depend on but the count."""
        victim = None if self.victim is None else self.victim.description.digest
        started = self.init and Path(self.init).is_file()
        return sha256(
            canonical_json(
                {
                    "format": FORMAT,
                    "images": _in_order(self.images),
                    "owner": None if self.owner_images is None else _in_order(self.owner_images),
                    "victim": victim,
                    "own": self.own,
                    "init": sha256_of_file(Path(self.init or "")) if started else self.init,
                    "start": self.start,
                    "recipes": self.recipes.model_dump(mode="json"),
                    "size": self.size,
                    "channels": self.channels,
                    "verification": self.verification,
                    "seed": self.seed,
                }
            )
        )

    @property
    def kind(self) -> Kind:
        """What references answer."""
        return Kind.EMBEDDINGS if self.verification else Kind.LOGITS

    @property
    def outputs(self) -> int:
        """How many numbers they answer."""
        return EMBEDDING if self.verification else len(np.unique(labels_of(self.images)))


def declarations(wanted: Wanted) -> tuple[Declaration, Declaration]:
    """How images are brought to the owner's network, and to all others."""
    declared = None if wanted.victim is None else wanted.victim.description.declaration
    if declared is None:
        width, height = _size(wanted)
        channels = wanted.channels or (3 if wanted.images.colour else 1)
        declared = Declaration(
            size=(width, height),
            channels=channels,
            range=(0, 255),
            mean=(127.5,),
            std=(64.0,),
            output=wanted.kind,
        )
    if declared.size[0] != declared.size[1]:
        raise BirthmarkError(
            "references",
            f"must be square, but the images are resized to {declared.size[0]}x{declared.size[1]}",
            "pass --size SIDE without --model",
        )
    side = min(MOST_SIDE, declared.size[0])
    scale = declared.scale_to
    if side != declared.size[0] and scale is not None:
        ratio = side / declared.size[0]
        scale = (
            max(side, round(scale * ratio))
            if isinstance(scale, int)
            else (max(side, round(scale[0] * ratio)), max(side, round(scale[1] * ratio)))
        )
    return declared, declared.model_copy(update={"size": (side, side), "scale_to": scale})


def _in_order(images: ImageSet) -> str:
    """Digest of the images and their labels in order, as all that is drawn depends on it."""
    return sha256(*(f"{one.digest} {one.label}\n".encode() for one in images.entries))


def _size(wanted: Wanted) -> tuple[int, int]:
    if wanted.size is not None:
        return wanted.size, wanted.size
    try:
        width, height = wanted.images.require_one_size()
    except BirthmarkError as error:
        raise BirthmarkError(
            wanted.images.source,
            "holds images of several sizes",
            "pass --model, whose declaration gives a size, or --size SIDE",
        ) from error
    side = min(width, height)
    return side, side
