"""Plain images (SAC-normal)."""

from __future__ import annotations

from birthmark.data.images import Image, ImageSet, encoded
from birthmark.models.adapters import Suspect
from birthmark.probes.base import PROBES, Draw, drawn
from birthmark.probes.companions import Companions


class Natural:
    """Images as they are, written as PNG: what compression is compared with.

    Source: SAC, arXiv 2210.15427, "SAC-normal".
    """

    name = "natural"
    asks_victim = False
    asks_companions = False
    true_labels = True

    def select(
        self,
        images: ImageSet,
        victim: Suspect | None,  # noqa: ARG002
        n: int,
        draw: Draw,
        resize: tuple[int, int] | None = None,
        companions: Companions = Companions(),  # noqa: ARG002
    ) -> list[Image]:
        """Draw n images."""
        return drawn(
            images, n, draw, resize, suffix="png", code=lambda one: encoded(one.picture, "PNG")
        )


PROBES.register(r"natural", example="natural")(Natural)
