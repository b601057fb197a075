"""What the ways to craft probes along a victim's gradients have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from birthmark.common.errors import BirthmarkError
from birthmark.data.images import Image, ImageSet, encoded
from birthmark.data.outputs import Kind
from birthmark.models.adapters import Declaration, Suspect, answered
from birthmark.models.adapters.differentiable import Differentiable, differentiable
from birthmark.probes.base import Draw, Drawn, pictures
from birthmark.probes.companions import Companions

AT_ONCE = 64
"""How many images are crafted together."""

SMALLEST = 1e-30

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Batch:
    """Drawn images as the victim sees them.

    Attributes
    ----------
    pixels
        float32 (n, height, width, channels), whole numbers 0 to 255.
    tickets
        Each image's ticket in the draw.
    labels
        Each image's true class, if known.
    """

    pixels: Floats
    tickets: Sequence[str]
    labels: Sequence[int | None]


class Made(NamedTuple):
    """What became of a batch: uint8 (n, block, height, width, channels), and which will do."""

    pixels: NDArray[np.uint8]
    good: NDArray[np.bool_]


class Crafted(ABC):
    """Drawn images, changed along the victim's gradients until they have a property of it.

    The images are tried in the order of the draw, up to 64 together. What a method promises is
    checked on the victim's answers to the PNG bytes that the probes then are, so after rounding to
    whole grey levels; an image that does not get there is passed over. Probes have the size and the
    channels that the victim takes, and keep the label of the image that they were made of.

    Attributes
    ----------
    block
        How many consecutive probes one image gives.
    """

    asks_victim = True
    asks_companions = False
    true_labels = True
    block: ClassVar[int] = 1

    @property
    @abstractmethod
    def name(self) -> str:
        """Its name with every parameter."""

    @abstractmethod
    def craft(self, model: Differentiable, batch: Batch, first: Batch) -> Made:
        """Craft probes from a batch; `first` is the first batch drawn, for what sets a scale."""

    def select(
        self,
        images: ImageSet,
        victim: Suspect | None,
        n: int,
        draw: Draw,
        resize: tuple[int, int] | None = None,
        companions: Companions = Companions(),  # noqa: ARG002
    ) -> list[Image]:
        """Craft n probes from the drawn images, as far as these are needed.

        Raises
        ------
        BirthmarkError
            Also if the victim gives no gradients, n is no multiple of `block`, or too few images
            get there.
        """
        require_multiple(self.name, n, self.block)
        model = derivable(self.name, victim)
        declared = seen_as(self.name, model, resize)
        different = len({entry.digest for entry in images.entries})
        found: list[Image] = []
        first, tried = None, 0
        for batch in batches(pictures(images, different, draw, declared.size), declared):
            first = first or batch
            made = self.craft(model, batch, first)
            for pixels, label in zip(
                made.pixels[made.good], np.array(batch.labels)[made.good], strict=True
            ):
                found += files(pixels, [label] * self.block, len(found))
            tried += len(batch.labels)
            if len(found) >= n:
                return found[:n]
        raise BirthmarkError(
            images.source,
            f"{len(found)} {self.name} probes could be made from its {tried} different images,"
            f" but {n} are needed",
            f"pass -n {len(found)} or add images" if len(found) > 1 else "add images",
        )


def derivable(name: str, victim: Suspect | None) -> Differentiable:
    """The victim, which a method called `name` follows by its gradients.

    Raises
    ------
    BirthmarkError
        If there is none, or it gives no gradients.
    """
    if victim is None:
        raise BirthmarkError(
            name,
            "there is no victim to craft probes for",
            "pass one, or use probes that need no victim, such as jpeg25",
        )
    return differentiable(victim)


def seen_as(name: str, model: Suspect, resize: tuple[int, int] | None) -> Declaration:
    """The victim's declaration, whose size and channels crafted probes have.

    Raises
    ------
    BirthmarkError
        If it has none, or images are to be brought to another size.
    """
    declared = model.description.declaration
    if declared is None:
        raise BirthmarkError(
            model.description.name,
            "does not declare the size of its images",
            "pass it with a declaration of its input",
        )
    if resize is not None and tuple(resize) != declared.size:
        width, height = declared.size
        raise BirthmarkError(
            name,
            f"makes probes of the size that the victim takes, {width}x{height}",
            f"drop --resize, or pass {width}x{height}",
        )
    return declared


def require_multiple(name: str, n: int, block: int) -> None:
    """Refuse a number of probes that blocks don't fill.

    Raises
    ------
    BirthmarkError
        Naming the nearest number that they do.
    """
    if n % block or n < block:
        raise BirthmarkError(
            name,
            f"makes {block} probes from each image, but {n} are needed",
            f"pass -n {max(1, round(n / block)) * block}",
        )


def batches(drawn: Iterable[Drawn], declared: Declaration) -> Iterator[Batch]:
    """Drawn pictures of the declared size in batches of up to 64."""
    left = iter(drawn)
    while some := list(islice(left, AT_ONCE)):
        yield stacked(some, declared)


def stacked(drawn: Sequence[Drawn], declared: Declaration) -> Batch:
    """Drawn pictures of the declared size as one batch."""
    mode = "L" if declared.channels == 1 else "RGB"
    pixels = np.stack([np.asarray(one.picture.convert(mode), np.float32) for one in drawn])
    shape = (len(drawn), declared.size[1], declared.size[0], declared.channels)
    return Batch(pixels.reshape(shape), [one.ticket for one in drawn], [one.label for one in drawn])


def files(pixels: NDArray[np.uint8], labels: Sequence[int | None], begins: int = 0) -> list[Image]:
    """PNG files of uint8 (n, height, width, channels), numbered on from `begins`."""
    return [
        Image(
            encoded(Pillow.fromarray(one[..., 0] if one.shape[2] == 1 else one), "PNG"),
            f"{begins + i:05d}.png",
            label,
        )
        for i, (one, label) in enumerate(zip(pixels, labels, strict=True))
    ]


def rounded(pixels: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Pixels as an image file holds them."""
    whole: NDArray[np.uint8] = np.rint(pixels).clip(0, 255).astype(np.uint8)
    return whole


def logits(model: Suspect, pixels: NDArray[np.uint8]) -> Floats:
    """A model's logits, float32 (n, classes), for PNG files of uint8 (n, height, width, channels).

    Of a model that answers with probabilities, their logarithms.
    """
    said = answered(model, files(pixels, [None] * len(pixels)))
    values: Floats = said.values.astype(np.float32)
    return np.log(values.clip(SMALLEST)) if said.kind is Kind.PROBABILITIES else values


def between(into: NDArray[np.int64], out_of: NDArray[np.int64], classes: int) -> Floats:
    """Weights of logits, float32 (n, classes), by which one class's rises over another's."""
    eye = np.eye(classes, dtype=np.float32)
    weights: Floats = eye[into] - eye[out_of]
    return weights


def second(values: Floats, best: NDArray[np.int64]) -> NDArray[np.int64]:
    """The largest logit of each row but that of class `best`, int64 (n,)."""
    others = values.copy()
    others[np.arange(len(values)), best] = -np.inf
    found: NDArray[np.int64] = others.argmax(axis=1).astype(np.int64)
    return found


def squares(gradient: Floats) -> NDArray[np.float64]:
    """Sum of squares of each image's gradient, float64 (n, 1, 1, 1), never 0."""
    total: NDArray[np.float64] = np.square(gradient, dtype=np.float64).sum((1, 2, 3), keepdims=True)
    return total.clip(SMALLEST)
