"""Images with a patch of another image (SAC-m)."""

from __future__ import annotations

from PIL.Image import Image as Picture
from PIL.Image import Transpose

from birthmark.common.digests import sha256
from birthmark.common.errors import BirthmarkError
from birthmark.data.images import Image, ImageSet, encoded
from birthmark.models.adapters import Suspect
from birthmark.probes.base import PROBES, Draw, pictures
from birthmark.probes.companions import Companions


class CutMix:
    """Images with a square patch of the next drawn image, without a label.

    Source: SAC, arXiv 2210.15427, "SAC-m". The patch is 3/16 of the shorter side (6 of 32 pixels),
    as in the published generator, and in the same place in all probes of a draw. That place lies
    within the middle two thirds of both axes; the published generator draws the patch's centre
    outside of them on both axes and clips the patch at the border, so that little of it is left.

    Parameters
    ----------
    transposed
        Whether width and height are swapped afterwards, which the published code calls a flip.
    """

    asks_victim = False
    asks_companions = False
    true_labels = True

    def __init__(self, *, transposed: bool | str = False) -> None:
        self.transposed = bool(transposed)

    @property
    def name(self) -> str:
        """`cutmix` or `cutmix-transposed`."""
        return "cutmix-transposed" if self.transposed else "cutmix"

    def select(
        self,
        images: ImageSet,
        victim: Suspect | None,  # noqa: ARG002
        n: int,
        draw: Draw,
        resize: tuple[int, int] | None = None,
        companions: Companions = Companions(),  # noqa: ARG002
    ) -> list[Image]:
        """Mix n drawn images, the last one with the first."""
        own = [one.picture for one in pictures(images, n, draw, resize)]
        width, height = own[0].size
        if self.transposed and width != height:
            raise BirthmarkError(
                self.name,
                f"images are {width}x{height}, so transposed ones would have another size",
                f"pass --resize {width}x{width}, or use cutmix",
            )
        box = _box(own[0].size, draw)
        return [
            Image(encoded(self._mixed(picture, donor, box), "PNG"), f"{i:05d}.png")
            for i, (picture, donor) in enumerate(zip(own, own[1:] + own[:1], strict=True))
        ]

    def _mixed(self, picture: Picture, donor: Picture, box: tuple[int, int, int, int]) -> Picture:
        mixed = picture.copy()
        mixed.paste(donor.crop(box), box)
        return mixed.transpose(Transpose.TRANSPOSE) if self.transposed else mixed


def _box(size: tuple[int, int], draw: Draw) -> tuple[int, int, int, int]:
    """(left, upper, right, lower) of the patch in images of this (width, height)."""
    side = max(1, round(min(size) * 3 / 16))
    number = int(sha256(f"{draw.key}cutmix\n".encode()).removeprefix("sha256:"), 16)
    corner = []
    for length in size:
        margin = length // 6
        number, offset = divmod(number, length - 2 * margin - side + 1)
        corner.append(margin + offset)
    left, upper = corner
    return left, upper, left + side, upper + side


PROBES.register(r"cutmix", example="cutmix")(CutMix)
PROBES.register(r"cutmix(?P<transposed>-transposed)", example="cutmix-transposed")(CutMix)
