from __future__ import annotations

import sys

import numpy as np
import pytest
from numpy.typing import NDArray

import world
from birthmark import BirthmarkError, Image, ImageSet
from birthmark.probes import PROBES, Draw
from birthmark.probes.imagenet_c import KINDS

SIDE = (32, 32)
DRAW = Draw("sha256:images", None, 0)
BY_CHANCE = ("elastic_transform", "fog", "frost", "glass_blur", "impulse_noise", "motion_blur")


def select(name: str) -> list[Image]:
    return PROBES.make(name).select(world.image_set(), None, 4, DRAW, SIDE)


def in_colour(name: str) -> NDArray[np.int64]:
    images = (world.pictures()[0][:4, ..., None] * [1, 0.7, 0.4]).astype(np.uint8)
    probes = PROBES.make(name).select(ImageSet.from_arrays(images), None, 4, DRAW, SIDE)
    return np.stack([probe.pixels for probe in probes]).astype(np.int64)


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package, without the compiling of its one compiled function, which takes a minute."""
    reason = "needs the extra corruptions"
    inner = pytest.importorskip("imagecorruptions.corruptions", reason=reason, exc_type=ImportError)
    name = "_shuffle_pixels_njit_glass_blur"
    monkeypatch.setattr(inner, name, getattr(inner, name).py_func)


@pytest.mark.usefixtures("package")
def test_kinds_are_the_packages() -> None:
    from imagecorruptions import get_corruption_names

    left_out = {"jpeg_compression", "pixelate", "spatter"}
    assert {*KINDS} | left_out == {*get_corruption_names("all")}


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize("kind", KINDS)
def test_the_worse_the_severity_the_greater_the_change(kind: str) -> None:
    plain, least = in_colour("natural"), 3 if kind == "saturate" else 1  # 1 and 2 take colour away
    mild, harsh = (
        np.abs(in_colour(f"imagenet-c-{kind}{severity}") - plain).mean() for severity in (least, 5)
    )
    assert 0 < mild < harsh


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize("kind", BY_CHANCE)
def test_chance_repeats_and_numpys_generator_is_left_alone(kind: str) -> None:
    name = f"imagenet-c-{kind}3"
    np.random.seed(1)  # noqa: NPY002
    expected = np.random.random(3)  # noqa: NPY002
    np.random.seed(1)  # noqa: NPY002
    once = select(name)
    assert (np.random.random(3) == expected).all()  # noqa: NPY002
    assert [probe.data for probe in select(name)] == [probe.data for probe in once]


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize("kind", BY_CHANCE)
def test_chance_is_the_draws(kind: str) -> None:
    """The same image in two draws."""
    one = ImageSet.from_arrays(world.pictures()[0][:1])
    method, other = PROBES.make(f"imagenet-c-{kind}3"), Draw("sha256:images", None, 1)
    first, second = (method.select(one, None, 1, draw, SIDE)[0] for draw in (DRAW, other))
    assert first.data != second.data


@pytest.mark.usefixtures("package")
def test_small_images_are_refused() -> None:
    with pytest.raises(
        BirthmarkError, match=r"images are 8x8, under 32 a side; .*resize=\(32, 32\)"
    ):
        PROBES.make("imagenet-c-fog3").select(world.image_set(), None, 4, DRAW)


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "imagecorruptions", None)
    with pytest.raises(BirthmarkError, match=r"run `pip install 'birthmark\[corruptions\]'`"):
        select("imagenet-c-fog3")
