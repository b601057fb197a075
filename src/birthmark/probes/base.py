"""The protocol of every way to make probes, and the draw that makes it repeatable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from PIL.Image import Image as Picture

from birthmark.digests import sha256
from birthmark.errors import BirthmarkError
from birthmark.images import Image, ImageSet
from birthmark.registry import Registry
from birthmark.suspects import Suspect


@dataclass(frozen=True)
class Draw:
    """A draw of images that anyone can repeat with SHA-256 alone.

    Image i's ticket is the digest of the set's digest, the victim's digest, the seed and the
    image's own digest; the lowest tickets are drawn. So neither the names nor the order of the
    images matter, nor the version of a library, and nobody can choose which images are drawn.

    Attributes
    ----------
    images
        Digest of the image set.
    victim
        Digest of the victim, or None where it has none.
    seed
        The one explicit seed.
    """

    images: str
    victim: str | None
    seed: int

    def positions(self, digests: Sequence[str], n: int, source: str) -> list[int]:
        """Positions of the n drawn images, in the order of their tickets; copies count once.

        Raises
        ------
        BirthmarkError
            If there are fewer than n different images.
        """
        first = {digest: i for i, digest in reversed(list(enumerate(digests)))}
        if len(first) < n:
            raise BirthmarkError(
                source,
                f"holds {len(first)} different images, {n} were asked for",
                f"pass -n {len(first)} or add images",
            )
        head = f"{self.images}\n{self.victim}\n{self.seed}\n"
        tickets = sorted(first, key=lambda digest: sha256(f"{head}{digest}\n".encode()))
        return [first[digest] for digest in tickets[:n]]


class ProbeMethod(Protocol):
    """From images (and the victim) to probes."""

    @property
    def name(self) -> str:
        """Its name with every parameter that changes a probe."""
        ...

    def select(
        self,
        images: ImageSet,
        victim: Suspect | None,
        n: int,
        draw: Draw,
        resize: tuple[int, int] | None = None,
    ) -> list[Image]:
        """Make n probes, each a whole image file.

        Parameters
        ----------
        images
            The owner's images.
        victim
            The victim, for ways that ask it.
        n
            How many probes.
        draw
            The draw of images.
        resize
            (width, height) to bring every image to first.

        Raises
        ------
        BirthmarkError
            If the set is too small, of mixed sizes, or holds a broken image.
        """
        ...


def drawn(
    images: ImageSet,
    n: int,
    draw: Draw,
    resize: tuple[int, int] | None,
    *,
    suffix: str,
    code: Callable[[Picture], bytes],
) -> list[Image]:
    """The n drawn images, of one size or resized, all grey or all colour, each coded anew.

    Raises
    ------
    BirthmarkError
        If the set is too small, of mixed sizes, or holds a broken image.
    """
    if resize is None:
        images.require_one_size()
    digests = [entry.digest for entry in images.entries]
    chosen = draw.positions(digests, n, images.source)
    loaded = {i: images[i] for i in sorted(chosen)}
    channels = 3 if images.colour else 1
    return [
        Image(
            code(loaded[position].picture(channels, resize, "bicubic")),
            f"{i:05d}.{suffix}",
            loaded[position].label,
        )
        for i, position in enumerate(chosen)
    ]


PROBES: Registry[ProbeMethod] = Registry("probe method", "birthmark.probes")
