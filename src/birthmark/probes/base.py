"""The protocol of every way to make probes, and the draw that makes it repeatable."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from PIL.Image import Image as Picture

from birthmark.common.digests import sha256
from birthmark.common.errors import BirthmarkError
from birthmark.common.registry import Registry
from birthmark.data.images import Image, ImageSet
from birthmark.models.adapters import Suspect
from birthmark.probes.companions import Companions

AT_ONCE = 1024
"""How many image files are read ahead."""


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

    @property
    def key(self) -> str:
        """What a digest that belongs to this draw begins with."""
        return f"{self.images}\n{self.victim}\n{self.seed}\n"

    def ticket(self, digest: str) -> str:
        """The ticket of the image with this digest."""
        return sha256(f"{self.key}{digest}\n".encode())

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
                f"holds {len(first)} different images, but {n} are needed",
                f"pass -n {len(first)} or add images",
            )
        return [first[digest] for digest in sorted(first, key=self.ticket)[:n]]


@dataclass(frozen=True)
class Drawn:
    """A drawn image.

    Attributes
    ----------
    picture
        Decoded, resized, and grey or colour as the whole set is.
    ticket
        Its ticket in the draw.
    label
        The true class, if known.
    """

    picture: Picture
    ticket: str
    label: int | None


class ProbeMethod(Protocol):
    """From images (and the victim) to probes."""

    @property
    def name(self) -> str:
        """Its name with every parameter that changes a probe."""
        ...

    @property
    def asks_victim(self) -> bool:
        """Whether the victim's answers choose the probes, and so cannot be judged by them."""
        ...

    @property
    def asks_companions(self) -> bool:
        """Whether companions' answers choose the probes."""
        ...

    @property
    def true_labels(self) -> bool:
        """Whether a label, where a probe has one, is its true class, which answers go with.

        Otherwise it is the class that the probe was crafted for, which independent models are not
        expected to answer.
        """
        ...

    def select(
        self,
        images: ImageSet,
        victim: Suspect | None,
        n: int,
        draw: Draw,
        resize: tuple[int, int] | None = None,
        companions: Companions = Companions(),
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
        companions
            Models that help to choose, for ways that ask them.

        Raises
        ------
        BirthmarkError
            If the set is too small, of mixed sizes, or holds a broken image; if a model that the
            way asks is missing.
        """
        ...


def pictures(
    images: ImageSet, n: int, draw: Draw, resize: tuple[int, int] | None
) -> Iterator[Drawn]:
    """The n drawn images in the order of their tickets, read as they are wanted.

    Raises
    ------
    BirthmarkError
        If the set is too small, of mixed sizes, or holds a broken image.
    """
    if resize is None:
        images.require_one_size()
    digests = [entry.digest for entry in images.entries]
    chosen = draw.positions(digests, n, images.source)
    channels = 3 if images.colour else 1
    for start in range(0, n, AT_ONCE):
        some = chosen[start : start + AT_ONCE]
        loaded = {i: images[i] for i in sorted(some)}
        for i in some:
            image = loaded.pop(i)
            yield Drawn(
                image.picture(channels, resize, "bicubic"), draw.ticket(digests[i]), image.label
            )


def drawn(
    images: ImageSet,
    n: int,
    draw: Draw,
    resize: tuple[int, int] | None,
    *,
    suffix: str,
    code: Callable[[Drawn], bytes],
) -> list[Image]:
    """The n drawn images, of one size or resized, all grey or all colour, each coded anew.

    Raises
    ------
    BirthmarkError
        If the set is too small, of mixed sizes, or holds a broken image.
    """
    return [
        Image(code(one), f"{i:05d}.{suffix}", one.label)
        for i, one in enumerate(pictures(images, n, draw, resize))
    ]


PROBES: Registry[ProbeMethod] = Registry("probe method", "birthmark.probes")
