from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

import zoo_world
from birthmark import BirthmarkError, ImageSet
from birthmark.zoo.images.arrays import load, prepare
from birthmark.zoo.images.sources import SOURCES, Samples
from birthmark.zoo.images.splits import own_task
from birthmark.zoo.plan import Part

TEXTS = {"objects": zoo_world.OBJECTS, "faces": zoo_world.FACES}


@pytest.mark.parametrize("task", TEXTS)
def test_no_image_is_in_two_parts(task: str, images: Path, tmp_path: Path) -> None:
    plan = zoo_world.plan(TEXTS[task], tmp_path)
    samples = SOURCES.make(plan.images.source)(images / plan.images.source)
    parts = own_task(plan, samples).parts
    assert set(parts) == {"owner", "thief", "probes", "selection", "test"}
    digests = [entry.digest for entry in samples.images.entries]
    for one, other in combinations(parts, 2):
        assert not {digests[i] for i in parts[one]} & {digests[i] for i in parts[other]}
        if samples.people is not None:
            assert not set(samples.people[parts[one]]) & set(samples.people[parts[other]])


def test_people_are_not_divided_where_the_task_is_another(tmp_path: Path) -> None:
    """As in KDEF: the task is emotion, but the person is known."""
    pixels = np.random.default_rng(0).integers(0, 256, (400, 16, 16), np.uint8)
    people = np.arange(400) // 10
    samples = Samples(
        ImageSet.from_arrays(pixels, np.arange(400) % 7),
        tuple("abcdefg"),
        ("",) * 400,
        people=people,
    )
    text = zoo_world.OBJECTS.replace(
        "[splits]\n", '[splits]\npool = ""\ntest_from = ""\ntest = 60\n'
    )
    parts = own_task(zoo_world.plan(text.replace("200", "80", 1), tmp_path), samples).parts
    assert sum(map(len, parts.values())) == 400
    for one, other in combinations(parts, 2):
        assert not set(people[parts[one]]) & set(people[parts[other]])


def test_copies_across_official_splits_count_once(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (900, 16, 16), np.uint8)
    pixels[600:] = pixels[:300]
    samples = Samples(
        ImageSet.from_arrays(pixels, np.arange(900) % 10),
        tuple("abcdefghij"),
        ("train",) * 400 + ("test",) * 500,
    )
    plan = zoo_world.plan(zoo_world.OBJECTS.replace("= 200", "= 20"), tmp_path)
    parts = own_task(plan, samples).parts
    assert sum(map(len, parts.values())) == 600


def test_random_halves_share_more_or_less(objects: zoo_world.Zoo) -> None:
    own = load(objects.folder / "data" / "own")
    owner, one, other = own.parts["owner"], own.part(Part.HALF, 1), own.part(Part.HALF, 2)
    both = len(own.parts["owner"]) + len(own.parts["thief"])
    assert len(one) == len(other) == both // 2
    assert 0.4 < len(np.intersect1d(one, owner)) / len(one) < 0.6
    assert set(one) != set(other)
    assert set(own.part(Part.HALF, 1)) == set(one)


def test_random_halves_do_not_divide_people(faces: zoo_world.Zoo) -> None:
    own = load(faces.folder / "data" / "own")
    assert own.people is not None
    half = own.part(Part.HALF, 1)
    rest = np.setdiff1d(np.concatenate([own.parts["owner"], own.parts["thief"]]), half)
    assert not set(own.people[half]) & set(own.people[rest])


def test_the_new_task_is_learnt_on_none_of_the_owners_images(objects: zoo_world.Zoo) -> None:
    own, new = (load(objects.folder / "data" / name) for name in ("own", "new"))
    assert new.classes == 3
    seen = {image.tobytes() for image in new.pixels}
    for part in ("owner", "probes", "selection"):
        assert not seen & {image.tobytes() for image in own.pixels[own.parts[part]]}


def test_missing_images_say_where_to_get_them(tmp_path: Path) -> None:
    plan = zoo_world.plan(zoo_world.OBJECTS, tmp_path)
    with pytest.raises(BirthmarkError, match=r"data_batch_1\.bin.*cs\.toronto\.edu"):
        prepare(plan, tmp_path / "nowhere", tmp_path / "zoo")


def test_too_few_images_name_the_part(images: Path, tmp_path: Path) -> None:
    plan = zoo_world.plan(zoo_world.OBJECTS.replace("probes = 200", "probes = 700"), tmp_path)
    with pytest.raises(BirthmarkError, match="the part selection has 0 images"):
        prepare(plan, images, tmp_path / "zoo")
