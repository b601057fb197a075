"""scikit-learn's digits at 32x32, divided among owner, thief and probes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

OWNER, THIEF = 300, 1000
SIDE = 32

DECLARED: dict[str, Any] = {
    "size": (SIDE, SIDE),
    "channels": 1,
    "range": (0, 1),
    "mean": (0,),
    "std": (1,),
    "layout": "flat",
    "output": "probabilities",
}


@dataclass(frozen=True)
class Part:
    """Images, uint8 (n, 32, 32), and true classes, int64 (n,)."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]

    @property
    def inputs(self) -> NDArray[np.float32]:
        """What `DECLARED` makes of the images: float32 (n, 1024), 0 to 1."""
        return (self.images.reshape(len(self.images), -1) / 255).astype(np.float32)


def digits(rng: np.random.Generator) -> tuple[Part, Part, Part]:
    """The owner's 300 digits, the thief's 1,000 and the 497 left for probes, drawn at random."""
    from sklearn.datasets import load_digits

    small, labels = load_digits(return_X_y=True)
    pictures = [Image.fromarray((d.reshape(8, 8) * 255 / 16).astype(np.uint8)) for d in small]
    drawn = [picture.resize((SIDE, SIDE), Image.Resampling.BICUBIC) for picture in pictures]
    images = np.stack([np.asarray(picture) for picture in drawn])
    order = rng.permutation(len(images))
    parts = np.split(order, [OWNER, OWNER + THIEF])
    owner, thief, probes = (Part(images[part], labels[part].astype(np.int64)) for part in parts)
    return owner, thief, probes
