"""Models and images of the demo's kind as files, to try every command on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from birthmark.common.files import whole_folder
from birthmark.data.images import Progress, silent
from birthmark.demo import models
from birthmark.demo.digits import SIDE, Part, digits
from birthmark.demo.network_file import require_onnx, write_network

REFERENCES = {
    "one-layer": 7,
    "two-layer": 3,
    "three-layer": 3,
    "tanh": 3,
    "logistic": 3,
    "narrow": 3,
    "wide": 3,
    "linear": 3,
}
"""Of the victim's lineage more than of others, as an owner would train them."""
EPOCHS = 4
DECLARATION = f"""# How images are brought to every model in this folder.
size = [{SIDE}, {SIDE}]
channels = 1
range = [0, 1]
mean = [0]
std = [1]
layout = "flat"
output = "probabilities"
"""


def write_practice(out: Path, seed: int = 0, progress: Progress = silent) -> None:
    """Train models of handwritten digits and write them into a new folder.

    It holds `victim.onnx`; `references/`, 28 honest models of eight lineages;
    `suspects/`, two thieves of the victim and an innocent; `images/`, 497 PNGs in a folder a class;
    `birthmark.toml`.

    Parameters
    ----------
    out
        The folder.
    seed
        Draws the digits and the models.
    progress
        Is told how far it is.

    Raises
    ------
    BirthmarkError
        If onnx is not there, or the folder holds something already or can't be written.
    """
    require_onnx()
    owner, thief, rest = digits(np.random.default_rng(seed))
    with whole_folder(out) as folder:
        victim = models.victim(owner, seed)
        made = _made(thief, victim, seed)
        write_network(victim, folder / "victim.onnx")
        for done, (name, model) in enumerate(made, 1):
            write_network(model, folder / f"{name}.onnx")
            progress("Training models", done, sum(REFERENCES.values()) + 3)
        _write_images(rest, folder / "images")
        (folder / "birthmark.toml").write_text(DECLARATION, "utf-8")


def _made(thief: Part, victim: Any, seed: int) -> Any:
    for f, (lineage, count) in enumerate(REFERENCES.items()):
        for i in range(count):
            model = models.independent(lineage, thief, _seed(seed, 0, f, i))
            yield f"references/{lineage}/{i}", model
    stolen = models.stolen_by_labels("one-layer", thief, victim, _seed(seed, 10))
    yield "suspects/stolen-by-labels", stolen
    yield "suspects/fine-tuned", models.fine_tuned(thief, victim, EPOCHS)
    yield "suspects/innocent", models.independent("two-layer", thief, _seed(seed, 11))


def _write_images(part: Part, folder: Path) -> None:
    for i, (pixels, label) in enumerate(zip(part.images, part.labels, strict=True)):
        file = folder / str(label) / f"{i:03}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(file)


def _seed(*path: int) -> int:
    return int(np.random.SeedSequence((9, *path)).generate_state(1)[0])
