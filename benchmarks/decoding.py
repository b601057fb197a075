"""How far answers change when JPEG probes are decoded a level otherwise, on digits."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning

from birthmark.audit.evasion.repeats import change
from birthmark.audit.repeats import REPEATS, Again
from birthmark.data.images import Image, encoded
from birthmark.data.outputs import Kind, Outputs
from birthmark.demo.models import LINEAGES

TRAINED, GROUPS, SEEDS, QUALITY = 1000, 25, 3, 25
Pixels = NDArray[np.int64]
Decoder = Callable[[Pixels, np.random.Generator], Pixels]


def _smoothed(pixels: Pixels, _: np.random.Generator) -> Pixels:
    wide = np.pad(pixels, ((0, 0), (1, 1), (1, 1)), mode="edge")
    beside = wide[:, :-2, 1:-1] + wide[:, 2:, 1:-1] + wide[:, 1:-1, :-2] + wide[:, 1:-1, 2:]
    return np.asarray((beside + 4 * pixels) // 8)


DECODERS: dict[str, Decoder] = {
    "1 level up": lambda pixels, _: pixels + 1,
    "1 level up or down": lambda pixels, rng: pixels + rng.integers(-1, 2, pixels.shape),
    "2 levels up or down": lambda pixels, rng: pixels + rng.integers(-2, 3, pixels.shape),
    "smoothed": _smoothed,
}


def decoded() -> Iterator[list[str]]:
    """A row a lineage: median and largest change by each decoder."""
    digits = load_digits()
    pixels = (digits.images * 255 / 16).astype(np.uint8)
    count = GROUPS * REPEATS
    probes = np.stack(
        [
            Image(encoded(Pillow.fromarray(one), "JPEG", quality=QUALITY), "probe").pixels[:, :, 0]
            for one in pixels[TRAINED : TRAINED + count]
        ]
    ).astype(np.int64)
    for lineage, make in LINEAGES.items():
        found: dict[str, list[float]] = {name: [] for name in DECODERS}
        for seed in range(SEEDS):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                model = make(seed).fit(_flat(pixels[:TRAINED]), digits.target[:TRAINED])
            rng = np.random.default_rng(seed)
            told = _said(model.predict_proba(_flat(probes)))
            for name, decode in DECODERS.items():
                other = np.clip(decode(probes, rng), 0, 255)
                again = _said(model.predict_proba(_flat(other)))
                for start in range(0, count, REPEATS):
                    some = list(range(start, start + REPEATS))
                    found[name].append(change(Again(told.at(some), again.at(some)), told))
        yield [lineage, *(f"{np.median(of):.4f}, {max(of):.4f}" for of in found.values())]


def _flat(pixels: NDArray[np.integer]) -> NDArray[np.float64]:
    return np.asarray(pixels.reshape(len(pixels), -1) / 255)


def _said(values: NDArray[np.float64]) -> Outputs:
    return Outputs(values.astype(np.float32), Kind.PROBABILITIES, values.shape[1])
