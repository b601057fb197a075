"""What the ways to corrupt images have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod

from PIL.Image import Image as Picture

from birthmark.common.errors import BirthmarkError
from birthmark.data.images import Image, ImageSet, encoded
from birthmark.models.adapters import Suspect
from birthmark.probes.base import Draw, Drawn, drawn
from birthmark.probes.companions import Companions


class Corruption(ABC):
    """Drawn images, each changed by itself and written as PNG.

    Source: the kinds of corruption are those of ImageNet-C (Hendrycks and Dietterich, "Benchmarking
    Neural Network Robustness to Common Corruptions and Perturbations", ICLR 2019), which SAC-JC,
    arXiv 2412.20768, compares JPEG with; how they are computed is said of each.
    """

    asks_victim = False
    asks_companions = False
    true_labels = True

    @property
    @abstractmethod
    def name(self) -> str:
        """Its name with its parameter."""

    @abstractmethod
    def corrupted(self, one: Drawn) -> Picture:
        """The drawn image, changed."""

    def select(
        self,
        images: ImageSet,
        victim: Suspect | None,  # noqa: ARG002
        n: int,
        draw: Draw,
        resize: tuple[int, int] | None = None,
        companions: Companions = Companions(),  # noqa: ARG002
    ) -> list[Image]:
        """Corrupt n drawn images."""
        return drawn(
            images,
            n,
            draw,
            resize,
            suffix="png",
            code=lambda one: encoded(self.corrupted(one), "PNG"),
        )


def require_within(
    name: str, what: str, value: float, low: float, high: float, example: str
) -> None:
    """Refuse a parameter that is out of range.

    Raises
    ------
    BirthmarkError
        Naming the range and an example.
    """
    if not low <= value <= high:
        raise BirthmarkError(name, f"{what} is not {low} to {high}", f"use {example}")
