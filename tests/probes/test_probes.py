"""One table for all ways to make probes."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow

import world
from birthmark import BirthmarkError, Image, ImageSet, Suspect, as_suspect
from birthmark.probes import PROBES, Draw

EXAMPLES = [plugin.example for plugin in PROBES.plugins()]
DRAW = Draw("sha256:images", "sha256:victim", 0)
UNLABELLED = {"cutmix", "cutmix-transposed"}
RESIZED = {"imagenet-c-fog3": (32, 32)}
COUNTS = {"lime16x40": 40}


@cache
def victim() -> Suspect:
    return world.derivable(world.victim())


def select(name: str, images: ImageSet, n: int = 10, draw: Draw = DRAW) -> list[Image]:
    if name.startswith("imagenet-c-"):
        reason = "needs the extra corruptions"
        pytest.importorskip("imagecorruptions", reason=reason, exc_type=ImportError)
    resize = RESIZED.get(name)
    return PROBES.make(name).select(images, victim(), n, draw, resize, world.companions())


def random_images(height: int = 16, width: int = 16, count: int = 12) -> ImageSet:
    rng = np.random.default_rng(0)
    return ImageSet.from_arrays(rng.integers(0, 255, (count, height, width, 3), dtype=np.uint8))


def stacked(name: str, images: ImageSet, n: int = 10) -> NDArray[np.int64]:
    return np.stack([probe.pixels for probe in select(name, images, n)]).astype(np.int64)


@pytest.mark.parametrize("name", EXAMPLES)
def test_probes_repeat_and_keep_labels(name: str) -> None:
    n = COUNTS.get(name, 10)
    probes = select(name, world.image_set(), n)
    assert PROBES.make(name).name == name
    assert [p.data for p in probes] == [p.data for p in select(name, world.image_set(), n)]
    assert len({p.data for p in probes}) == n
    assert all(p.pixels.shape == (*RESIZED.get(name, (8, 8)), 1) for p in probes)
    assert {p.label for p in probes if name not in COUNTS or p.label is not None} <= (
        {None} if name in UNLABELLED else set(range(10))
    )
    ending = "jpg" if "jpeg" in name else "png"
    assert [p.name for p in probes][:2] == [f"00000.{ending}", f"00001.{ending}"]


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_seed_and_the_victim_change_the_draw(name: str) -> None:
    drawn = {
        tuple(p.pixel_digest for p in select(name, world.image_set(), COUNTS.get(name, 10), draw))
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
    coarse, fine = (select(name, random_images())[0] for name in ("jpeg7", "jpeg90"))
    assert len(coarse.data) < len(fine.data)
    picture = Pillow.open(io.BytesIO(coarse.data))
    assert picture.format == "JPEG"
    assert picture.layer[0][1:3] == (2, 2)  # type: ignore[attr-defined]


def test_the_victim_misses_the_errors_and_only_those_before_them() -> None:
    probes = select("errors", world.image_set())
    answers = victim().answer(probes).predicted()
    assert all(answers[i] != probe.label for i, probe in enumerate(probes))
    drawn = select("natural", world.image_set(), 400)
    said = victim().answer(drawn).predicted()
    missed = [
        image.data for image, answer in zip(drawn, said, strict=True) if answer != image.label
    ]
    assert [probe.data for probe in probes] == missed[:10]


def test_the_victim_is_asked_in_batches_on_the_bytes_of_the_probes() -> None:
    asked: list[Image] = []
    sizes = []

    class Asked:
        description = victim().description
        batch = 8

        def answer(self, images: list[Image]) -> object:
            asked.extend(images)
            sizes.append(len(images))
            return victim().answer(images)

    probes = PROBES.make("errors").select(world.image_set(), Asked(), 10, DRAW)  # type: ignore[arg-type]
    assert {probe.data for probe in probes} <= {image.data for image in asked}
    assert set(sizes) == {8}
    assert len(asked) < 400


def test_a_resized_set_is_asked_resized() -> None:
    probes = PROBES.make("errors").select(world.image_set(), victim(), 10, DRAW, (16, 16))
    assert {probe.pixels.shape for probe in probes} == {(16, 16, 1)}
    assert all(victim().answer([probe]).predicted()[0] != probe.label for probe in probes)


def test_unlabelled_images_are_no_errors() -> None:
    images, labels = world.pictures()
    some = ImageSet.from_arrays(images[1000:1400], labels[1000:1400])
    some.entries[::2] = some.without_labels().entries[::2]
    assert None not in {probe.label for probe in select("errors", some)}


def test_errors_need_a_victim_that_answers_with_classes() -> None:
    images, labels = world.pictures()
    shifted = ImageSet.from_arrays(images[1000:1400], (labels[1000:1400] + 1) % 10)
    embeds = as_suspect(lambda x: x, world.DECLARED | {"output": "embeddings"}, name="embeds")
    cases: list[tuple[str, ImageSet, Suspect | None, int]] = [
        ("errors: there is no victim", world.image_set(), None, 10),
        ("embeds: answers with embeddings", world.image_set(), embeds, 10),
        ("digits: has no labels", world.image_set().without_labels(), victim(), 10),
        ("no better than chance; number the labels", shifted, victim(), 10),
    ]
    for said, asked, model, n in cases:
        with pytest.raises(BirthmarkError, match=said):
            PROBES.make("errors").select(asked, model, n, DRAW)
    with pytest.raises(BirthmarkError, match=r"wrong, but 300 are needed; pass n=\d+ or") as error:
        select("errors", world.image_set(), 300)
    most = int(str(error.value).split("pass n=")[1].split()[0])
    assert len(select("errors", world.image_set(), most)) == most


def test_fewer_than_thirty_answers_do_not_judge_the_victim() -> None:
    wrong = select("errors", world.image_set(), 25)
    pixels = np.stack([image.pixels for image in wrong])
    hard = ImageSet.from_arrays(pixels, [image.label or 0 for image in wrong])
    assert len(select("errors", hard, 25)) == 25


def test_recorded_answers_cannot_be_asked_for_errors(tmp_path: Path) -> None:
    np.savez(tmp_path / "r.npz", values=np.eye(10)[np.arange(400) % 10])
    recorded = as_suspect(tmp_path / "r.npz", {"output": "probabilities"})
    with pytest.raises(BirthmarkError, match="is recorded answers"):
        PROBES.make("errors").select(world.image_set(), recorded, 10, DRAW)


@pytest.mark.parametrize(("height", "width", "side"), [(32, 32, 6), (48, 64, 9), (1, 1, 1)])
def test_cutmix_puts_a_patch_of_the_next_image(height: int, width: int, side: int) -> None:
    images = random_images(height, width)
    own, mixed = stacked("natural", images), stacked("cutmix", images)
    for i, probe in enumerate(mixed):
        donor = own[(i + 1) % 10]
        assert ((probe == own[i]) | (probe == donor)).all()
    _, rows, columns, _ = np.nonzero(mixed != own)
    assert rows.max() - rows.min() + 1 == columns.max() - columns.min() + 1 == side
    assert rows.min() >= height // 6
    assert rows.max() < height - height // 6
    assert columns.min() >= width // 6
    assert columns.max() < width - width // 6


def test_the_patch_is_elsewhere_in_another_draw() -> None:
    images = random_images(32, 32)
    places = set()
    for seed in range(20):
        draw = Draw("sha256:images", None, seed)
        pairs = zip(
            select("natural", images, 10, draw), select("cutmix", images, 10, draw), strict=True
        )
        changed = np.any([one.pixels != other.pixels for one, other in pairs], axis=(0, 3))
        places.add(tuple(np.argwhere(changed)[0]))
    assert len(places) > 15


def test_transposed_probes_are_transposed() -> None:
    images = random_images(32, 32)
    swapped = stacked("cutmix-transposed", images).transpose(0, 2, 1, 3)
    assert (swapped == stacked("cutmix", images)).all()
    with pytest.raises(BirthmarkError, match=r"images are 8x6, .* resize=\(8, 8\)"):
        select("cutmix-transposed", random_images(6, 8))


def test_noise_has_its_strength_and_one_pattern() -> None:
    images = ImageSet.from_arrays(
        np.full((12, 64, 64, 3), 128, np.uint8) + np.arange(12, dtype=np.uint8)[:, None, None, None]
    )
    plain = stacked("natural", images)
    weak, strong = (stacked(name, images) - plain for name in ("noise10", "noise20"))
    assert weak.std() == pytest.approx(10, rel=0.01)
    assert abs(weak.mean()) < 0.1
    assert np.abs(strong - 2 * weak).max() <= 2
    assert not (weak[0] == weak[1]).all()
    assert np.corrcoef(weak[..., 0].ravel(), weak[..., 1].ravel())[0, 1] < 0.02


def test_noise_is_clipped() -> None:
    dark = stacked(
        "noise100", ImageSet.from_arrays(np.eye(12, 64, dtype=np.uint8).reshape(12, 8, 8))
    )
    assert dark.min() == 0
    assert dark.max() > 100


def test_corruptions_do_what_their_names_say() -> None:
    images = random_images()
    plain = stacked("natural", images)

    def spread(name: str) -> float:
        return float(stacked(name, images).std())

    assert spread("contrast40") == pytest.approx(0.4 * plain.std(), rel=0.05)
    assert spread("blur3") < spread("blur1.5") < spread("blur0.5") < plain.std()
    blocks = plain.reshape(10, 4, 4, 4, 4, 3).mean(axis=(2, 4)).repeat(4, axis=1).repeat(4, axis=2)
    assert np.abs(stacked("pixelate4", images) - blocks).max() <= 0.5
    assert stacked("pixelate3", images).shape == plain.shape


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("noise0", "noise0: sigma is not 1 to 128; use noise25"),
        ("noise129", "sigma is not 1 to 128"),
        ("blur0", "blur0: radius is not 0.1 to 20; use blur1.5"),
        ("blur20.1", "radius is not 0.1 to 20"),
        ("contrast0", "contrast0: percentage is not 1 to 99; use contrast40"),
        ("contrast100", "percentage is not 1 to 99"),
        ("pixelate1", "pixelate1: factor is not 2 to 64; use pixelate2"),
        ("pixelate65", "factor is not 2 to 64"),
        ("blur1.55", "did you mean blur1.5"),
        ("imagenet-c-snow6", "severity is not 1 to 5; use imagenet-c-snow3"),
        ("imagenet-c-rain3", "rain is not a known corruption; choose from brightness, contrast,"),
        ("adversarial-pairs0", "eps is not 1 to 64; use adversarial-pairs8"),
        ("adversarial-pairs65", "eps is not 1 to 64"),
        ("uap-pairs0", "uap-pairs0: eps is not 1 to 64; use uap-pairs10"),
        ("boundary0", "boundary0: percentage is not 1 to 99; use boundary10"),
        ("lime8x40", "lime8x40: number of segments is not 9 to 64; use lime16x40"),
        ("lime17x40", "lime17x40: number of segments is not a square; use lime16x40"),
        ("lime16x17", "number of versions is not 18 to 400; use lime16x40"),
        ("conferrable0", "conferrable0: eps is not 1 to 64; use conferrable8"),
        ("cutmix-flipped", "did you mean cutmix"),
    ],
)
def test_parameters_out_of_range_are_named(name: str, said: str) -> None:
    with pytest.raises(BirthmarkError) as error:
        PROBES.make(name)
    assert said in str(error.value)


def test_names_are_spelt_in_one_way() -> None:
    names = {
        "jpeg07": "jpeg7",
        "blur2.0": "blur2",
        "noise025": "noise25",
        "contrast05": "contrast5",
    }
    assert {name: PROBES.make(name).name for name in names} == names
    with pytest.raises(BirthmarkError, match="fewer than two blocks per side of 16x16 images"):
        select("pixelate9", random_images())


def test_bad_requests_are_named() -> None:
    with pytest.raises(BirthmarkError, match="pass n=400"):
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
    with pytest.raises(BirthmarkError, match=r"images\[0\]: is 4x4, while .* resize="):
        select("natural", mixed, 2)
    resized = PROBES.make("natural").select(mixed, None, 2, DRAW, (5, 6))
    assert resized[0].pixels.shape == (6, 5, 1)
