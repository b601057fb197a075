from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow

import world
from birthmark import BirthmarkError
from birthmark.zoo.images.sources import SOURCES, Samples

RANDOM = np.random.default_rng(0)


def picture(*shape: int) -> Pillow.Image:
    return Pillow.fromarray(RANDOM.integers(0, 256, shape, np.uint8))


def save(file: Path, *shape: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    picture(*shape).save(file)


def png(*shape: int) -> bytes:
    buffer = io.BytesIO()
    picture(*shape).save(buffer, "PNG")
    return buffer.getvalue()


def write(file: Path, *lines: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{line}\n" for line in lines))


def read(name: str, folder: Path) -> Samples:
    return SOURCES.make(name)(folder)


def labels(samples: Samples) -> list[Any]:
    return [image.label for image in samples.images]


def listed(array: NDArray[np.int64] | None) -> list[Any] | None:
    return None if array is None else array.tolist()


GREY = [" ".join([str(value)] * 48 * 48) for value in (0, 7, 255)]


def make_fer2013(folder: Path) -> None:
    rows = [f"3,{GREY[0]},Training", f"0,{GREY[1]},PublicTest", f"6,{GREY[2]},PrivateTest"]
    write(folder / "fer2013.csv", "emotion,pixels,Usage", *rows)


def make_lfw(folder: Path, *, inner: str = "lfw_funneled") -> None:
    for name in ("Ann_Lee_0001", "Ann_Lee_0002", "Bob_0001", "Bob_0003"):
        save(folder / inner / name[:-5] / f"{name}.jpg", 250, 250, 3)
    write(folder / inner / "pairs_01.txt", "not a folder")
    folds = ["Ann_Lee\t1\t2", "Ann_Lee\t2\tBob\t3", "Bob\t1\t3", "Bob\t1\tAnn_Lee\t1"]
    write(folder / "pairs.txt", "2\t1", *folds)


def make_cifar10(folder: Path) -> None:
    root = folder / "cifar-10-batches-bin"
    root.mkdir(parents=True)
    for i, name in enumerate([*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]):
        records = [bytes([label, *[10] * 1024, *[20] * 1024, *[30] * 1024]) for label in (i, 9)]
        (root / f"{name}.bin").write_bytes(b"".join(records))


def make_tiny_imagenet(folder: Path) -> None:
    root = folder / "tiny-imagenet-200"
    write(root / "wnids.txt", "n02", "n01")
    write(root / "words.txt", "n01\tgoldfish, Carassius auratus", "n02\tkoala", "n03\tother")
    for file in ("train/n01/images/n01_0", "train/n02/images/n02_0", "val/images/val_0"):
        save(root / f"{file}.JPEG", 64, 64, 3)
    write(root / "val" / "val_annotations.txt", "val_0.JPEG\tn02\t0\t32\t44\t62")


def make_kdef(folder: Path) -> None:
    save(folder / "KDEF_and_AKDEF" / "AKDEF" / "FAFFL.JPG", 8, 6, 3)
    for name in ("AF01ANS", "AM02SUHL", "AM31H", "BF01AFS"):
        save(folder / "KDEF_and_AKDEF" / "KDEF" / name[:4] / f"{name}.JPG", 8, 6, 3)


def make_orl(folder: Path) -> None:
    for name in ("s1/1", "s2/10", "s2/9", "s10/1"):
        save(folder / f"{name}.pgm", 112, 92)


ORIGINALS: dict[str, tuple[Callable[[Path], None], Any, Any, Any, Any, Any]] = {
    "fer2013": (
        make_fer2013,
        (48, 48, 1),
        ["happy", "angry", "neutral"],
        ["train", "validation", "test"],
        None,
        None,
    ),
    "lfw": (
        make_lfw,
        (112, 112, 3),
        ["Ann_Lee", "Ann_Lee", "Bob", "Bob"],
        [""] * 4,
        [0, 0, 1, 1],
        [[0, 1, 1, 0], [1, 3, 0, 0], [2, 3, 1, 1], [2, 0, 0, 1]],
    ),
    "cifar10": (
        make_cifar10,
        (32, 32, 3),
        [
            name
            for first in ("airplane", "automobile", "bird", "cat", "deer", "dog")
            for name in (first, "truck")
        ],
        ["train"] * 10 + ["test"] * 2,
        None,
        None,
    ),
    "tiny-imagenet": (
        make_tiny_imagenet,
        (64, 64, 3),
        ["goldfish", "koala", "koala"],
        ["train", "train", "test"],
        None,
        None,
    ),
    "kdef": (
        make_kdef,
        (8, 6, 3),
        ["angry", "surprised", "surprised", "afraid"],
        [""] * 4,
        [0, 1, 2, 0],
        None,
    ),
    "kdef-frontal": (make_kdef, (8, 6, 3), ["angry", "afraid"], [""] * 2, [0, 0], None),
    "orl": (make_orl, (112, 92, 1), ["s1", "s2", "s2", "s10"], [""] * 4, [0, 1, 1, 2], None),
}


@pytest.mark.parametrize("name", ORIGINALS)
def test_a_set_is_read_as_its_authors_hand_it_out(name: str, tmp_path: Path) -> None:
    make, shape, classes, split, people, pairs = ORIGINALS[name]
    make(tmp_path)
    samples = read(name, tmp_path)
    assert SOURCES.make(name).name == name
    assert [samples.classes[label] for label in labels(samples)] == classes
    assert [*samples.split] == split
    assert listed(samples.people) == people
    assert listed(samples.pairs) == pairs
    assert samples.images.require_one_size() == (shape[1], shape[0])
    for image, entry in zip(samples.images, samples.images.entries, strict=True):
        assert image.pixels.shape == shape
        assert image.digest == entry.digest


def test_every_set_is_tried() -> None:
    assert {plugin.example for plugin in SOURCES.plugins()} == {*ORIGINALS} - {"kdef-frontal"}


def test_pixels_are_the_authors_own(tmp_path: Path) -> None:
    for name in ("fer2013", "cifar10", "lfw"):
        ORIGINALS[name][0](tmp_path / name)
    faces = read("fer2013", tmp_path / "fer2013").images
    assert [np.unique(face.pixels).tolist() for face in faces] == [[0], [7], [255]]
    thing = read("cifar10", tmp_path / "cifar10").images[1]
    assert (thing.pixels == (10, 20, 30)).all()
    original = tmp_path / "lfw" / "lfw_funneled" / "Bob" / "Bob_0003.jpg"
    centre = np.asarray(Pillow.open(original))[69:181, 69:181]
    assert (read("lfw", tmp_path / "lfw").images[3].pixels == centre).all()


def parquet(
    file: Path, numbers: list[Any], names: list[str], paths: list[str | None] | None = None
) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    images = [{"bytes": png(9, 9, 3), "path": path} for path in paths or [None] * len(numbers)]
    features = {"label": {"names": names, "_type": "ClassLabel"}}
    table = pa.table({"image": images, "label": numbers})
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    pyarrow.parquet.write_table(table.replace_schema_metadata(metadata), file)


def write_pairs(file: Path, *rows: tuple[Any, ...]) -> None:
    columns = zip(("a", "b", "same", "fold"), zip(*rows, strict=True), strict=True)
    pyarrow.parquet.write_table(pa.table({name: [*column] for name, column in columns}), file)


PARQUET: dict[str, tuple[list[str], Any]] = {
    "fer2013": (["train", "validation", "test"], None),
    "lfw": (["faces"], [1, 0]),
    "cifar10": (["train", "test"], None),
    "tiny-imagenet": (["train", "test"], None),
    "kdef": (["faces"], [1, 0]),
    "kdef-frontal": (["faces"], [0]),
    "orl": (["faces"], [1, 0]),
}


@pytest.mark.parametrize("name", PARQUET)
def test_a_set_is_read_as_parquet(name: str, tmp_path: Path) -> None:
    files, people = PARQUET[name]
    for file in files:
        parquet(tmp_path / f"{file}.parquet", [1, 0], ["a", "b"], ["AM02ANHL.JPG", "BF01SUS.JPG"])
    write_pairs(tmp_path / "pairs.parquet", (1, 0, False, 9))
    samples = read(name, tmp_path)
    frontal = name.endswith("frontal")
    assert samples.classes == ("a", "b")
    assert labels(samples) == ([0] if frontal else [1, 0] * len(files))
    kept = 1 if frontal else 2
    assert [*samples.split] == [f for f in files for _ in range(kept)] or files == ["faces"]
    assert len(samples.split) == len(samples.images)
    assert listed(samples.people) == people
    assert listed(samples.pairs) == ([[1, 0, 0, 9]] if name == "lfw" else None)


def bad_fer(row: str) -> Callable[[Path], None]:
    return lambda folder: write(folder / "fer2013.csv", "emotion,pixels,Usage", row)


def bad_pairs(*lines: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        make_lfw(folder)
        write(folder / "pairs.txt", *lines)

    return make


def bad_parquet(numbers: list[Any], *, names: list[str] | None = None) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        parquet(folder / "train.parquet", [0, 1], ["a", "b"])
        parquet(folder / "test.parquet", numbers, names or ["a", "b"])

    return make


def cut(folder: Path) -> None:
    make_cifar10(folder)
    file = folder / "cifar-10-batches-bin" / "data_batch_3.bin"
    file.write_bytes(file.read_bytes()[:-1])


def eleventh_class(folder: Path) -> None:
    make_cifar10(folder)
    file = folder / "cifar-10-batches-bin" / "test_batch.bin"
    file.write_bytes(file.read_bytes()[:3073] + bytes([10]) + bytes(3072))


def pickled(folder: Path) -> None:
    write(folder / "cifar-10-batches-py" / "data_batch_1", "pickle")


def unknown_wnid(folder: Path) -> None:
    make_tiny_imagenet(folder)
    write(folder / "tiny-imagenet-200" / "val" / "val_annotations.txt", "val_0.JPEG\tn09\t0")


def unlabelled(folder: Path) -> None:
    folder.mkdir()
    for name in ("train", "test"):
        table = pa.table({"image": [{"bytes": png(9, 9, 3), "path": ""}], "label": [0]})
        pyarrow.parquet.write_table(table, folder / f"{name}.parquet")


def faces_and_pairs(*row: Any) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        parquet(folder / "faces.parquet", [0, 0], ["a"])
        write_pairs(folder / "pairs.parquet", row)

    return make


def small_face(folder: Path) -> None:
    make_lfw(folder)
    save(folder / "lfw_funneled" / "Bob" / "Bob_0001.jpg", 100, 120, 3)


BAD: list[tuple[str, Callable[[Path], None], list[str]]] = [
    ("fer2013", lambda _: None, ["fer2013.csv: is missing from", "fer2013", "kaggle.com"]),
    ("lfw", lambda _: None, ["lfw-deepfunneled: is missing from", "lfw", "umass.edu", "pairs.txt"]),
    ("cifar10", lambda _: None, ["data_batch_1.bin: is missing", "kriz/cifar.html"]),
    ("tiny-imagenet", lambda _: None, ["wnids.txt: is missing", "tiny-imagenet-200.zip"]),
    ("kdef", lambda _: None, ["AF01ANS.JPG: is missing", "kdef.se"]),
    ("orl", lambda _: None, ["1.pgm: is missing", "cam-orl.co.uk"]),
    ("fer2013", bad_fer("7," + GREY[0] + ",Training"), ["csv line 2: emotion is '7'", "0 to 6"]),
    ("fer2013", bad_fer("0," + GREY[0]), ["line 2: Usage is ''", "PublicTest"]),
    ("fer2013", bad_fer("0,1 2 3,Training"), ["line 2: pixels are 3, not 48x48"]),
    ("fer2013", bad_fer("0,1 256,Training"), ["line 2: pixels are not all 0 to 255"]),
    ("fer2013", lambda f: write(f / "fer2013.csv", "emotion,Usage"), ["has no column pixels"]),
    ("lfw", bad_pairs("1\t1", "Bob\t1\t3", "Bob\t1\tAnn_Lee\t7"), ["line 3", "Ann_Lee_0007.jpg"]),
    ("lfw", bad_pairs("1\t1", "Bob\t1\t3", "Bob\tx\tAnn_Lee\t1"), ["line 3", "name i name j"]),
    ("lfw", bad_pairs("1\t2", "Bob\t1\t3"), ["pairs.txt: has 1 pairs, not 1 x 2 x 2"]),
    ("lfw", bad_pairs("pairs"), ["pairs.txt line 1: is 'pairs'"]),
    ("lfw", lambda f: save(f / "lfw" / "Bob" / "Ann_1.jpg", 9, 9), ["Ann_1.jpg: is not named"]),
    ("lfw", small_face, ["Bob_0001.jpg: is 120x100, under 112"]),
    ("lfw", faces_and_pairs(0, 2, True, 0), ["pairs.parquet row 0", "b=2", "2 faces"]),
    ("lfw", faces_and_pairs(0, 1.5, True, 0), ["pairs.parquet: holds no integers"]),
    ("lfw", lambda f: parquet(f / "faces.parquet", [0], ["a"]), ["pairs.parquet: is missing"]),
    ("cifar10", cut, ["data_batch_3.bin: is cut off: 6145 bytes"]),
    ("cifar10", eleventh_class, ["test_batch.bin record 1: label is 10, not 0 to 9"]),
    ("cifar10", pickled, ["cifar-10-batches-py: is the pickled", "cifar-10-binary.tar.gz"]),
    ("cifar10", bad_parquet([0, 2]), ["holds the label 2", "names 2 classes"]),
    ("cifar10", bad_parquet([0, None]), ["test.parquet row 1: label is None"]),
    ("cifar10", bad_parquet([0], names=["b", "a"]), ["test.parquet: names other classes"]),
    ("cifar10", unlabelled, ["train.parquet: is not Parquet whose schema names the classes"]),
    ("cifar10", lambda f: write(f / "test.parquet", "x"), ["train.parquet: is missing"]),
    ("tiny-imagenet", unknown_wnid, ["val_annotations.txt line 1: class 'n09'"]),
    ("kdef", lambda f: save(f / "AF01XXS.JPG", 9, 9), ["AF01XXS.JPG: its emotion is XX"]),
    ("kdef", lambda f: save(f / "me.jpg", 9, 9), ["'me.jpg' is not the name of a KDEF picture"]),
    ("kdef", lambda f: parquet(f / "faces.parquet", [0], ["a"]), ["faces.parquet row 0: 'None'"]),
    ("orl", lambda f: save(f / "s1" / "a.pgm", 9, 9), ["a.pgm: is not named", "s1/1.pgm"]),
]


@pytest.mark.parametrize(("name", "make", "said"), BAD)
def test_what_is_bad_is_named(
    name: str, make: Callable[[Path], None], said: list[str], tmp_path: Path
) -> None:
    make(tmp_path / "set")
    with pytest.raises(BirthmarkError) as error:
        read(name, tmp_path / "set")
    message = str(error.value)
    assert "\n" not in message
    assert [part for part in said if part not in message] == [], message


@pytest.mark.skipif(not world.DATA.exists(), reason=f"no image sets in {world.DATA}")
@pytest.mark.parametrize(
    ("name", "split", "classes", "people", "pairs"),
    [
        ("fer2013", {"train": 28_709, "validation": 3_589, "test": 3_589}, 7, 0, 0),
        ("lfw", {"": 13_233}, 5_749, 5_749, 6_000),
        ("orl", {"": 390}, 39, 39, 0),
        ("cifar10", {"train": 20_000, "test": 4_000}, 10, 0, 0),
        ("tiny-imagenet", {"train": 17_500, "test": 2_500}, 50, 0, 0),
    ],
)
def test_real_sets_are_whole(
    name: str, split: dict[str, int], classes: int, people: int, pairs: int
) -> None:
    samples = read(name, world.DATA / name)
    assert Counter(samples.split) == split
    assert len(samples.images) == len(samples.split)
    assert len(samples.classes) == classes
    assert {entry.label for entry in samples.images.entries} == {*range(classes)}
    assert (0 if samples.people is None else len(np.unique(samples.people))) == people
    assert (0 if samples.pairs is None else len(samples.pairs)) == pairs
    if samples.people is not None and samples.pairs is not None:
        a, b, same, fold = samples.pairs.T
        assert ((samples.people[a] == samples.people[b]) == same).all()
        assert Counter(fold.tolist()) == dict.fromkeys(range(10), 600)
        assert (np.bincount(fold, same) == 300).all()
