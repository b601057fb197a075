"""Images are taken in whatever form they are at hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from birthmark.common.errors import BirthmarkError
from birthmark.data.images import ImageSet

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 5, 4, 3), dtype=np.uint8)
LABELS = [0, 1, 2, 0, 1, 2]


class Tensors:
    """As torchvision's data sets with ToTensor."""

    def __init__(self, shift: float = 0.0) -> None:
        self._shift = shift

    def __len__(self) -> int:
        return len(PIXELS)

    def __getitem__(self, place: int) -> tuple[Any, int]:
        torch = pytest.importorskip("torch", reason="the extra 'torch' is not installed")
        image = torch.tensor(PIXELS[place]).permute(2, 0, 1) / 255 - self._shift
        return image, LABELS[place]


def test_every_form_gives_the_same_images(tmp_path: Path) -> None:
    np.savez(tmp_path / "set.npz", images=PIXELS, labels=LABELS)
    pictures = [Pillow.fromarray(image) for image in PIXELS]
    mappings = [{"image": i, "label": n} for i, n in zip(pictures, LABELS, strict=True)]
    forms = [
        str(tmp_path / "set.npz"),
        (PIXELS, LABELS),
        list(zip(pictures, LABELS, strict=True)),
        mappings,
        Tensors(),
    ]
    for form in forms:
        one = ImageSet.of(form)
        assert np.array_equal(np.stack([image.pixels for image in one]), PIXELS)
        assert [entry.label for entry in one.entries] == LABELS
    assert ImageSet.of(PIXELS).entries[0].label is None
    assert ImageSet.of(one) is one


@pytest.mark.parametrize(
    ("images", "said"),
    [
        (Tensors(0.5), "leave normalisation out"),
        ([PIXELS[0], PIXELS[1][:3]], "resize them in the data set's transform"),
        (3, "pass a path, an array"),
        ([PIXELS[0].astype(int) + 300], "above 255"),
        ([], "holds no images"),
    ],
)
def test_other_forms_are_refused(images: Any, said: str) -> None:
    with pytest.raises(BirthmarkError, match=said):
        ImageSet.of(images)
