"""One table for all ways to make probes."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image as Pillow

import world
from birthmark import BirthmarkError, Image, ImageSet
from birthmark.probes import PROBES, Draw

EXAMPLES = [plugin.example for plugin in PROBES.plugins()]
DRAW = Draw("sha256:images", "sha256:victim", 0)


def select(name: str, images: ImageSet, n: int = 10, draw: Draw = DRAW) -> list[Image]:
    return PROBES.make(name).select(images, None, n, draw)


@pytest.mark.parametrize("name", EXAMPLES)
def test_probes_repeat_and_keep_labels(name: str) -> None:
    probes = select(name, world.image_set())
    assert PROBES.make(name).name == name
    assert [p.data for p in probes] == [p.data for p in select(name, world.image_set())]
    assert len({p.data for p in probes}) == 10
    assert all(p.pixels.shape == (8, 8, 1) for p in probes)
    assert {p.label for p in probes} <= set(range(10))


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_seed_and_the_victim_change_the_draw(name: str) -> None:
    drawn = {
        tuple(p.pixel_digest for p in select(name, world.image_set(), draw=draw))
        for draw in (
            DRAW,
            Draw("sha256:images", "sha256:victim", 1),
            Draw("sha256:images", None, 0),
        )
    }
    assert len(drawn) == 3


def test_neither_order_nor_names_nor_copies_change_the_draw() -> None:
    images, _ = world.pictures()
    one = ImageSet.from_arrays(images[:50], source="a")
    other = ImageSet.from_arrays(np.concatenate([images[:50][::-1], images[:5]]), source="b")
    assert [p.data for p in select("jpeg25", one)] == [p.data for p in select("jpeg25", other)]


def test_every_image_is_as_likely_to_be_drawn() -> None:
    digests = [str(i) for i in range(50)]
    counts = np.zeros(50)
    for seed in range(2000):
        counts[Draw("images", None, seed).positions(digests, 10, "set")] += 1
    chi2 = ((counts - 400) ** 2 / 400 / 0.8).sum()
    assert chi2 < 98  # 49 degrees of freedom: above that in fewer than 1 of 20,000 draws


def test_jpeg_probes_are_what_the_name_says() -> None:
    rng = np.random.default_rng(0)
    images = ImageSet.from_arrays(rng.integers(0, 255, (12, 16, 16, 3), dtype=np.uint8))
    coarse, fine = (select(name, images)[0] for name in ("jpeg7", "jpeg90"))
    assert len(coarse.data) < len(fine.data)
    picture = Pillow.open(io.BytesIO(coarse.data))
    assert picture.format == "JPEG"
    assert picture.layer[0][1:3] == (2, 2)  # type: ignore[attr-defined]


def test_bad_requests_are_named() -> None:
    with pytest.raises(BirthmarkError, match="pass -n 400"):
        select("jpeg25", world.image_set(), 401)
    with pytest.raises(BirthmarkError, match="quality is not 1 to 95"):
        PROBES.make("jpeg0")
    with pytest.raises(BirthmarkError, match="did you mean jpeg25"):
        PROBES.make("jpg25")
    mixed = ImageSet(
        "set",
        [*world.image_set().entries[:3], *ImageSet.from_arrays(np.zeros((1, 4, 4), "u1")).entries],
        lambda i: world.image_set()[i].data,
    )
    with pytest.raises(BirthmarkError, match=r"images\[0\]: is 4x4, while .* --resize"):
        select("natural", mixed, 2)
    resized = PROBES.make("natural").select(mixed, None, 2, DRAW, (5, 6))
    assert resized[0].pixels.shape == (6, 5, 1)
