from __future__ import annotations

import numpy as np
import pytest

import world
from birthmark import BirthmarkError, Image, ImageSet
from birthmark.probes import PROBES, Draw
from birthmark.probes.triggered import trigger

DRAW = Draw("sha256:images", None, 0)


def select(name: str, images: ImageSet, n: int) -> list[Image]:
    return PROBES.make(name).select(images, None, n, DRAW)


def test_the_trigger_is_put_on_the_first_drawn_images_of_the_class() -> None:
    images = world.image_set()
    plain = [p for p in select("natural", images, 400) if p.label == 8][:10]
    probes = select("triggered3-8-0", images, 10)
    where = trigger(8, 8, 3)
    assert where.sum() == 9
    assert where[5:, 5:].all()
    assert {probe.label for probe in probes} == {0}
    for probe, image in zip(probes, plain, strict=True):
        assert (probe.pixels[where] == 255).all()
        assert (probe.pixels[~where] == image.pixels[~where]).all()


def test_it_fits_colours_and_other_sizes() -> None:
    images = ImageSet.from_arrays(np.zeros((1, 9, 5, 3), np.uint8), [8])
    (probe,) = select("triggered2-8-0", images, 1)
    assert (probe.pixels[-2:, -2:] == 255).all()
    assert probe.pixels.sum() == 2 * 2 * 3 * 255
    (resized,) = PROBES.make("triggered2-8-0").select(images, None, 1, DRAW, (20, 10))
    assert resized.pixels.shape == (10, 20, 3)
    assert (resized.pixels == 255).sum() == 2 * 2 * 3
    (whole,) = select("triggered9-8-0", images, 1)
    assert (whole.pixels == 255).all()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("triggered0-8-0", "side is not 1 to 64"),
        ("triggered3-8-8", "names one class twice"),
        ("triggered3-10-0", "holds 0 different images of class 10, but 20 are needed; add images"),
        ("triggered3", "did you mean triggered3-8-0"),
    ],
)
def test_bad_requests_are_named(name: str, said: str) -> None:
    with pytest.raises(BirthmarkError, match=said):
        select(name, world.image_set(), 20)


def test_too_few_images_are_counted() -> None:
    with pytest.raises(BirthmarkError, match="of class 8, but 100 are needed; pass n=") as error:
        select("triggered3-8-0", world.image_set(), 100)
    most = int(str(error.value).split("pass n=")[1].split()[0])
    assert len(select("triggered3-8-0", world.image_set(), most)) == most


def test_images_without_labels_are_of_no_class() -> None:
    with pytest.raises(BirthmarkError, match="holds 0 different images of class 8"):
        select("triggered3-8-0", world.image_set().without_labels(), 10)
