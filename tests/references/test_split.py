from __future__ import annotations

import numpy as np
import pytest

from birthmark import BirthmarkError, ImageSet
from birthmark.references.split import SHARE, divide, labels_of, part


def test_parts_share_nothing_and_rare_classes_are_only_learnt() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (601, 16, 16), np.uint8)
    rare = ImageSet.from_arrays(pixels, [*np.arange(600) % 10, 10])
    split = divide(rare, verification=False, seed=0)
    places = np.concatenate(split)
    assert len(set(places)) == len(places) == 601
    assert 600 in split.train
    assert set(labels_of(rare)[split.probes]) == set(range(10))
    assert not np.array_equal(split.probes, divide(rare, verification=False, seed=1).probes)


@pytest.mark.parametrize("people", [False, True])
def test_every_reference_has_its_own_share_of_the_images(people: bool) -> None:
    """Whole people where people are verified; else all classes, however rare."""
    labels = np.array([*np.repeat(np.arange(20), 30), 20])
    positions = np.arange(5, len(labels))
    first, second = (part(positions, labels, seed, people=people) for seed in (0, 1))
    assert set(first) <= set(positions)
    assert len(first) == pytest.approx(SHARE * len(positions), rel=0.15)
    assert len(set(first) & set(second)) < len(first) - 50
    counts = np.bincount(labels[first])
    assert set(counts[5:20]) <= {0, 30} if people else set(counts[1:]) == {round(30 * SHARE), 1}


def test_people_are_not_divided() -> None:
    rng = np.random.default_rng(0)
    people = np.repeat(np.arange(40), 6)
    images = ImageSet.from_arrays(rng.integers(0, 256, (240, 16, 16), np.uint8), people)
    split = divide(images, verification=True, seed=0)
    seen = [set(people[part]) for part in split]
    assert not seen[0] & seen[1] and not seen[0] & seen[2] and not seen[1] & seen[2]
    pairs = ImageSet.from_arrays(rng.integers(0, 256, (240, 16, 16), np.uint8), people % 2)
    with pytest.raises(BirthmarkError, match=r"has 2 people.* lists of pairs"):
        divide(pairs, verification=True, seed=0)


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (None, "has no label"),
        ([0] * 200, "has only one class"),
        ([0, 1] * 40, "which leaves .* for the part 'train', and that needs 100"),
    ],
)
def test_images_that_do_not_do_are_named(labels: list[int] | None, said: str) -> None:
    count = 200 if labels is None else len(labels)
    pixels = np.random.default_rng(0).integers(0, 256, (count, 16, 16), np.uint8)
    with pytest.raises(BirthmarkError, match=said):
        divide(ImageSet.from_arrays(pixels, labels), verification=False, seed=0)
