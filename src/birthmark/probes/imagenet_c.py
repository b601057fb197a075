"""Images with the corruptions of ImageNet-C."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from PIL import Image as Pillow
from PIL.Image import Image as Picture

from birthmark.common.errors import BirthmarkError
from birthmark.probes.base import PROBES, Drawn
from birthmark.probes.corruption import Corruption, require_within

KINDS = (
    "brightness",
    "contrast",
    "defocus_blur",
    "elastic_transform",
    "fog",
    "frost",
    "gaussian_blur",
    "gaussian_noise",
    "glass_blur",
    "impulse_noise",
    "motion_blur",
    "saturate",
    "shot_noise",
    "snow",
    "speckle_noise",
    "zoom_blur",
)
SEEDED = ("glass_blur", "impulse_noise")
LEAST = 32


class ImageNetC(Corruption):
    """Images corrupted by the package imagecorruptions-imaug, as ImageNet-C's were.

    Source: ImageNet-C and its additional kinds, by the package's own numbers, which are meant for
    224 pixels a side. JPEG and coarse blocks are left to `jpegQ` and `pixelateF`; "spatter" divides
    by zero where no drop falls, as on small images. What is left to chance comes from the image's
    ticket in the draw: every severity of a kind is seeded alike, and another version of numpy or of
    the package may have another pattern.

    Parameters
    ----------
    kind
        One of `KINDS`.
    severity
        1 to 5.

    Raises
    ------
    BirthmarkError
        If the kind is unknown or the severity out of range.
    """

    def __init__(self, *, kind: str, severity: int | str) -> None:
        self.kind, self.severity = kind, int(severity)
        if kind not in KINDS:
            raise BirthmarkError(
                self.name, f"{kind} is not a known corruption", f"choose from {', '.join(KINDS)}"
            )
        require_within(self.name, "severity", self.severity, 1, 5, f"imagenet-c-{kind}3")

    @property
    def name(self) -> str:
        """`imagenet-c-`, kind and severity."""
        return f"imagenet-c-{self.kind}{self.severity}"

    def corrupted(self, one: Drawn) -> Picture:
        """Corrupt the image; what becomes of a grey one is turned to grey again.

        Raises
        ------
        BirthmarkError
            If the image is smaller than 32x32, or the extra `corruptions` is missing.
        """
        width, height = one.picture.size
        if min(width, height) < LEAST:
            raise BirthmarkError(
                self.name,
                f"images are {width}x{height}, under {LEAST} a side",
                f"pass --resize {LEAST}x{LEAST}, or use blur1.5",
            )
        try:
            from imagecorruptions import corrupt
        except ImportError as error:
            raise BirthmarkError(
                self.name,
                f"needs the package imagecorruptions ({error})",
                "run `pip install 'birthmark[corruptions]'`",
            ) from error
        words = _words(one.ticket)
        own = {"seed": words[0]} if self.kind in SEEDED else {}
        with _seeded(words):
            changed = corrupt(
                np.asarray(one.picture), severity=self.severity, corruption_name=self.kind, **own
            )
        return Pillow.fromarray(changed).convert(one.picture.mode)


def _words(ticket: str) -> list[int]:
    """The ticket's 256 bits as eight numbers."""
    digits = ticket.removeprefix("sha256:")
    return [int(digits[i : i + 8], 16) for i in range(0, len(digits), 8)]


@contextmanager
def _seeded(words: list[int]) -> Iterator[None]:
    """Seed numpy's global generator, which the package draws from, and give its state back."""
    before = np.random.get_state()  # noqa: NPY002
    np.random.seed(words)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(before)  # noqa: NPY002


PROBES.register(r"imagenet-c-(?P<kind>[a-z_]+)(?P<severity>\d)", example="imagenet-c-fog3")(
    ImageNetC
)
