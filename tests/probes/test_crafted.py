"""What crafted probes promise, on a linear victim whose boundaries are known."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import world
from birthmark import BirthmarkError, Image, ImageSet, as_suspect
from birthmark.probes import PROBES, Draw
from birthmark.probes.boundary import margins
from birthmark.probes.crafted import AT_ONCE, Batch, Made, logits
from birthmark.probes.deepfool import DeepFool
from birthmark.probes.uap_pairs import FROM

DRAW = Draw("sha256:images", "sha256:victim", 0)


@cache
def victim() -> world.Derivable:
    return world.derivable(world.victim())


@cache
def grey() -> ImageSet:
    """Digits with less contrast, so that hardly a pixel is at the end of its range."""
    images, labels = world.pictures()
    pixels = (64 + images[1000:1400] * 0.5).astype(np.uint8)
    return ImageSet.from_arrays(pixels, labels[1000:1400], source="grey")


@cache
def select(name: str, n: int, natural: bool = False) -> list[Image]:
    images = world.image_set() if natural else grey()
    return PROBES.make(name).select(images, victim(), n, DRAW)


def stacked(probes: list[Image]) -> NDArray[np.uint8]:
    return np.stack([probe.pixels for probe in probes])


def said(probes: list[Image]) -> NDArray[np.float32]:
    return logits(victim(), stacked(probes))


def test_boundary_probes_lie_between_two_classes() -> None:
    probes = said(select("boundary10", 100))
    plain = margins(said(select("natural", 400)))
    k = 0.1 * np.median(plain[:AT_ONCE])
    assert margins(probes).min() >= 0.999 * k
    assert margins(probes).max() <= 2.002 * k
    assert (plain > margins(probes).max()).mean() > 0.7
    third = np.sort(probes, axis=1)[:, -3:]
    assert (third[:, 1] >= third[:, 0]).all()
    assert len(set(probes.argmax(axis=1))) > 7


def test_boundary_probes_turn_from_the_old_label_to_a_drawn_one() -> None:
    probes = said(select("boundary10", 40, natural=True))
    true = [probe.label for probe in select("boundary10", 40, natural=True)]
    first, second = probes.argsort(axis=1)[:, -1], probes.argsort(axis=1)[:, -2]
    assert (second == true).mean() > 0.7
    assert (first == true).mean() < 0.2


def test_a_wider_margin_is_wider() -> None:
    near, far = (margins(said(select(name, 40))) for name in ("boundary10", "boundary40"))
    assert np.median(far) == pytest.approx(4 * np.median(near), rel=0.3)


@pytest.mark.parametrize("eps", [8, 20])
def test_adversarial_pairs_are_within_eps_and_change_the_label(eps: int) -> None:
    pairs = select(f"adversarial-pairs{eps}", 40, natural=True)
    drawn = {image.data for image in select("natural", 400, natural=True)}
    before, after = pairs[0::2], pairs[1::2]
    assert all(x.data in drawn for x in before)
    assert [x.label for x in before] == [x.label for x in after]
    assert said(before).argmax(axis=1).tolist() == [x.label for x in before]
    assert (said(before).argmax(axis=1) != said(after).argmax(axis=1)).all()
    change = np.abs(stacked(after).astype(int) - stacked(before))
    assert change.max() == eps


def test_deepfool_goes_no_further_than_to_the_nearest_boundary() -> None:
    drawn = select("natural", 100)
    made = crafted(drawn)
    assert made.good.mean() > 0.95
    weights = world.victim().coef_ / 255 / 0.25
    plain = said(drawn)
    label = plain.argmax(axis=1)
    gaps = plain[np.arange(len(plain)), label][:, None] - plain
    sizes = np.linalg.norm(weights[label][:, None] - weights[None], axis=2)
    with np.errstate(invalid="ignore"):
        nearest = np.nanmin(np.where(sizes > 0, gaps / sizes, np.nan), axis=1)
    moved = made.pixels[:, 0].astype(float) - stacked(drawn)
    lengths = np.sqrt(np.square(moved).sum(axis=(1, 2, 3)))
    close = lengths[made.good] <= 1.1 * nearest[made.good] + 0.5 * 8  # half a level in 64 pixels
    assert close.mean() > 0.9
    assert (logits(victim(), made.pixels[:, 0]).argmax(axis=1) != label)[made.good].all()


def crafted(drawn: list[Image]) -> Made:
    batch = Batch(stacked(drawn).astype(np.float32), [""] * len(drawn), [None] * len(drawn))
    return DeepFool().craft(victim(), batch, batch)


def test_a_change_that_rounding_undoes_gets_longer() -> None:
    images, probes = stacked(select("natural", 400)), stacked(select("deepfool", 100))
    apart = np.abs(probes[:, None].astype(int) - images[None]).max(axis=(2, 3, 4)).min(axis=1)
    assert apart.min() >= 1
    assert apart.max() < 128


def test_one_perturbation_of_other_images_fools_more_than_noise() -> None:
    pairs = select("uap-pairs30", 100)
    before, after = stacked(pairs[0::2]), stacked(pairs[1::2])
    drawn = stacked(select("natural", FROM + 50))
    assert (before == drawn[FROM:]).all()
    changes = after.astype(int) - before
    inside = (after > 0) & (after < 255)
    change = np.median(changes, axis=0)
    assert (np.abs(changes - change)[inside] == 0).all()
    assert np.abs(change).max() <= 30

    def fooled(other: NDArray[np.float64]) -> float:
        moved = (before + other).clip(0, 255).astype(np.uint8)
        labels = [logits(victim(), some).argmax(axis=1) for some in (before, moved)]
        return float((labels[0] != labels[1]).mean())

    rng = np.random.default_rng(0)
    noises = [rng.permutation(change.ravel()).reshape(change.shape) for _ in range(10)]
    assert fooled(change) > 0.5
    assert fooled(change) > 2 * max(fooled(noise) for noise in noises)


def test_more_probes_begin_with_the_same() -> None:
    for name in ("boundary10", "adversarial-pairs8", "deepfool"):
        assert [p.data for p in select(name, 40)[:10]] == [p.data for p in select(name, 10)]


def test_probes_have_the_victims_size_and_channels() -> None:
    pixels = stacked(select("natural", 200)).repeat(2, 1).repeat(2, 2).repeat(3, 3)
    colour = ImageSet.from_arrays(pixels)
    for name in ("boundary10", "uap-pairs10"):
        probes = PROBES.make(name).select(colour, victim(), 4, DRAW, (8, 8))
        assert {probe.pixels.shape for probe in probes} == {(8, 8, 1)}
        assert {probe.label for probe in probes} == {None}
        with pytest.raises(BirthmarkError, match="size that the victim takes, 8x8; drop resize"):
            PROBES.make(name).select(colour, victim(), 4, DRAW, (16, 16))


def test_probabilities_are_crafted_along_their_logarithms() -> None:
    class Sure(world.Derivable):
        def gradient(self, pixels: NDArray[np.float32], direction: object) -> object:  # type: ignore[override]
            return victim().gradient(pixels, direction)  # type: ignore[arg-type]

    sure = Sure(world.victim(), world.DECLARED | {"output": "probabilities"}, name="sure")
    probes = PROBES.make("boundary10").select(grey(), sure, 20, DRAW)
    assert [p.data for p in probes] == [p.data for p in select("boundary10", 20)]


@pytest.mark.parametrize("name", ["boundary10", "adversarial-pairs8", "deepfool", "uap-pairs10"])
def test_who_gives_no_gradient_is_refused(name: str, tmp_path: Path) -> None:
    export = world.export(world.victim(), tmp_path / "v.onnx")
    for model, text in (
        (None, f"{name}: there is no victim to craft probes for"),
        (as_suspect(export, world.DECLARED), "v.onnx: gives no gradient"),
    ):
        with pytest.raises(BirthmarkError, match=text):
            PROBES.make(name).select(grey(), model, 10, DRAW)


def test_what_cannot_be_made_is_named() -> None:
    cases = [
        ("adversarial-pairs8", 11, r"makes 2 probes from each image, but 11 .* pass n=12"),
        ("uap-pairs10", 5, r"makes 2 probes from each image, but 5 .* pass n=4"),
        (
            "uap-pairs10",
            740,
            r"grey: holds \d+ different images, but 402 are needed: 370 for pairs",
        ),
        ("lime16x40", 50, r"lime16x40: makes 40 probes from each image, .* pass n=40"),
    ]
    for name, n, text in cases:
        with pytest.raises(BirthmarkError, match=text):
            PROBES.make(name).select(grey(), victim(), n, DRAW)
    with pytest.raises(BirthmarkError, match=r"adversarial-pairs1 probes could be .* pass n=\d+"):
        PROBES.make("adversarial-pairs1").select(grey(), victim(), 400, DRAW)


def test_a_victim_of_unknown_size_is_refused() -> None:
    model = world.derivable(world.victim())
    model.description = model.description.model_copy(update={"declaration": None})
    with pytest.raises(BirthmarkError, match="digits: does not declare the size of its images"):
        PROBES.make("deepfool").select(grey(), model, 10, DRAW)
