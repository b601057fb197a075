"""Small zoos on made images: digits in CIFAR-10's layout, drawn faces in LFW's."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from sklearn.datasets import load_digits

from birthmark.zoo.plan import Plan, open_plan

PEOPLE = 120


@dataclass(frozen=True)
class Zoo:
    """A zoo on a disk, its plan, and the images that it was built of."""

    plan: Plan
    folder: Path
    data: Path


GROUPS = """
[[groups]]
name = "victim"
role = "victim"
recipe = "trained"
count = 1
data = ["owner"]
families = ["vgg"]

[[groups]]
name = "reference"
role = "reference"
recipe = "trained"
count = 4
data = ["thief", "half"]

[[groups]]
name = "finetuned"
role = "stolen"
recipe = "finetuned"
count = 2
parents = ["victim"]
within = 0.1
parameters = { layers = ["all", "last"] }

[[groups]]
name = "labels-thief"
role = "stolen"
recipe = "extracted-labels"
count = 1
parents = ["victim"]

[[groups]]
name = "transferred"
role = "stolen"
recipe = "transferred"
count = 1
parents = ["victim"]

[[groups]]
name = "renamed"
role = "stolen"
recipe = "renamed"
count = 2
parents = ["victim", "labels-thief"]
"""

COMPANIONS = """
[[groups]]
name = "surrogate"
role = "companion"
recipe = "finetuned"
count = 2
parents = ["finetuned"]
parameters = { layers = "last" }

[[groups]]
name = "outsider"
role = "companion"
recipe = "trained"
count = 2
"""
"""To be put at the end of a plan's groups."""

OBJECTS = (
    """
name = "digits"
about = "Digits in colour."
task = "classes"

[images]
source = "cifar10"
size = 32
channels = 3

[splits]
probes = 200
selection = 50

[schedule]
epochs = 8
rate = 0.1
batch = 16

[families.vgg]
net = "vgg"

[families.mobilenet]
net = "mobilenet"

[families.resnet]
net = "resnet"

[families.densenet]
net = "densenet"

[transfer]
source = "cifar10"
classes = [[0, 6, 8], [1, 4, 7], 2]
images = 200

[foreign]
source = "cifar10"
images = 200

[answers.probes]
natural = 60
jpeg25 = 60
cutmix = 20
"""
    + GROUPS
)

FACES = (
    """
name = "drawn-faces"
about = "Drawn faces."
task = "verification"
embedding = 8
augment = "face"

[images]
source = "lfw"
size = 32
channels = 3

[splits]
probes = 0
selection = 0
folds = { test = [0], aside = [1] }

[schedule]
epochs = 6
rate = 0.1

[families.vgg]
net = "vgg"

[families.mobilenet]
net = "mobilenet"

[transfer]
source = "cifar10"
classes = [0, 1, 2]
images = 200

[foreign]
source = "cifar10"
images = 200

[answers.probes]
natural = 20
jpeg25 = 20
"""
    + GROUPS
)


def plan(text: str, folder: Path) -> Plan:
    """A plan from the text of its file."""
    file = folder / "plan.toml"
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return open_plan(str(file))


def write_images(data: Path) -> None:
    """Both sets, in their authors' layouts."""
    _write_digits(data / "cifar10" / "cifar-10-batches-bin")
    _write_faces(data / "lfw")


@cache
def _digits() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    digits = load_digits()
    grey = (digits.images * 255 / 16).astype(np.uint8).repeat(4, 1).repeat(4, 2)
    tint = np.random.default_rng(0).integers(200, 256, (len(grey), 3, 1, 1))
    return (grey[:, None] * tint // 255).astype(np.uint8), digits.target.astype(np.int64)


def _write_digits(folder: Path) -> None:
    folder.mkdir(parents=True)
    pixels, labels = _digits()
    records = [
        bytes([label]) + image.tobytes() for image, label in zip(pixels, labels, strict=True)
    ]
    for i in range(5):
        part = records[i * 240 : (i + 1) * 240]
        (folder / f"data_batch_{i + 1}.bin").write_bytes(b"".join(part))
    (folder / "test_batch.bin").write_bytes(b"".join(records[1200:]))


def _write_faces(folder: Path) -> None:
    """Blobs of colours and places that are each person's own, shifted from picture to picture."""
    rng = np.random.default_rng(1)
    for person in range(PEOPLE):
        face = rng.integers(0, 256, (5, 5, 3), np.uint8).repeat(25, 0).repeat(25, 1)
        for number in range(4):
            picture = np.full((250, 250, 3), rng.integers(0, 256), np.uint8)
            down, right = rng.integers(55, 70, 2)
            picture[down : down + 125, right : right + 125] = face
            file = folder / "lfw" / f"P{person:03d}" / f"P{person:03d}_{number + 1:04d}.jpg"
            file.parent.mkdir(parents=True, exist_ok=True)
            Pillow.fromarray(picture).save(file, quality=90)
    lines = ["2\t30"]
    for fold in range(2):
        people = [f"P{p:03d}" for p in range(fold * 30, fold * 30 + 30)]
        lines += [f"{name}\t1\t2" for name in people]
        lines += [
            f"{name}\t1\t{other}\t1"
            for name, other in zip(people, people[1:] + people[:1], strict=True)
        ]
    (folder / "pairs.txt").write_text("\n".join(lines) + "\n")
