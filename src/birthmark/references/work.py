"""What a worker does: one reference, from its plan to its file."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from birthmark.common.digests import sha256_of_file
from birthmark.common.errors import BirthmarkError
from birthmark.common.files import whole_file
from birthmark.models.adapters import Declaration
from birthmark.references.design import Planned
from birthmark.references.recipe import Recipe
from birthmark.references.record import Reference
from birthmark.references.split import part


@dataclass(frozen=True)
class Task:
    """A reference to build.

    Attributes
    ----------
    folder
        Where all references lie; `.build` in it holds the arrays.
    planned, recipe
        What it is.
    init, start
        The checkpoint of the owner's network, and what it is called.
    declaration, teachers
        How images are brought to this network, and to the one whose answers it learns.
    outputs
        Classes, or numbers of an embedding.
    target
        The victim's accuracy, if it is known.
    main
        The process that asked for it.
    """

    folder: Path
    planned: Planned
    recipe: Recipe
    init: str | None
    start: str | None
    declaration: Declaration
    teachers: Declaration
    outputs: int
    verification: bool
    target: float | None
    device: str
    main: int

    @property
    def name(self) -> str:
        """`resnet/0`."""
        return self.planned.name


@dataclass(frozen=True)
class Outcome:
    """A reference, or why there is none; `notes` are sentences for a person."""

    name: str
    reference: Reference | None = None
    failure: str | None = None
    notes: tuple[str, ...] = ()


def pixels_file(folder: Path, declaration: Declaration) -> Path:
    """The arrays at a declaration's size."""
    width, height = declaration.size
    return folder / ".build" / f"{width}x{height}x{declaration.channels}.npy"


def parts_file(folder: Path) -> Path:
    """Labels and positions."""
    return folder / ".build" / "parts.npz"


def work(task: Task) -> Outcome:
    """Build one reference; every failure is an outcome."""
    import torch

    torch.set_num_threads(1)
    notes: list[str] = []
    try:
        return Outcome(task.name, _built(task, notes), notes=tuple(notes))
    except BirthmarkError as error:
        said = str(error).removeprefix(f"{task.name}: ")
        return Outcome(task.name, failure=said, notes=tuple(notes))
    except (Exception, SystemExit) as error:  # the owner's factory may raise anything
        return Outcome(task.name, failure=f"{type(error).__name__}: {error}", notes=tuple(notes))


def _built(task: Task, notes: list[str]) -> Reference:
    import torch

    from birthmark.references.learn import Images, learn
    from birthmark.references.network import built_in, own_network
    from birthmark.references.pixels import read_pixels
    from birthmark.training.onnx_file import write_onnx

    began = time.monotonic()
    planned, declaration = task.planned, task.declaration
    pixels = read_pixels(pixels_file(task.folder, declaration))
    with np.load(parts_file(task.folder)) as parts:
        labels, check = parts["labels"], parts["check"]
        if planned.own and len(parts["owner"]):
            train = parts["owner"]
        else:
            shown = np.concatenate([parts["train"], parts["owner"]])
            train = part(shown, labels, planned.seed, people=task.verification)
    taught = None
    if planned.teacher is not None:
        read = read_pixels(pixels_file(task.folder, task.teachers))
        taught = torch.from_numpy(_answers(task, read[train]))

    def make() -> torch.nn.Module:
        if planned.own:
            net, fresh = own_network(planned.net, task.init, declaration, task.outputs)
            anew = (
                f"{planned.net} has another last layer than {task.init}, so that layer started"
                " from random weights."
            )
            if fresh and task.init is not None and planned.number == 0 and anew not in notes:
                notes.append(anew)
            return net
        size, channels = declaration.size[0], declaration.channels
        return built_in(planned.net, task.outputs, channels, size)

    end_if_alone(task.main)
    learnt = learn(
        make,
        Images(
            torch.from_numpy(pixels[train]),
            torch.from_numpy(labels[train]),
            torch.from_numpy(pixels[check]),
            torch.from_numpy(labels[check]),
        ),
        task.recipe,
        name=task.name,
        seed=planned.seed,
        verification=task.verification,
        target=task.target,
        taught=taught,
        device=task.device,
        said=notes.append,
    )
    end_if_alone(task.main)
    file = task.folder / f"{task.name}.onnx"
    with whole_file(file) as passing:
        write_onnx(learnt.net, declaration.channels, declaration.size, passing)
    return Reference(
        file=f"{task.name}.onnx",
        digest=sha256_of_file(file),
        lineage=planned.lineage,
        net=planned.net,
        start=task.start if planned.own else None,
        teacher=planned.teacher,
        recipe=task.recipe,
        seed=planned.seed,
        images=len(train),
        accuracy=round(learnt.accuracy, 4),
        rounds=learnt.rounds,
        short_by=round(learnt.short_by, 4),
        seconds=round(time.monotonic() - began, 1),
    )


def end_if_alone(main: int) -> None:
    """End a worker whose main process was killed: another may build in the folder by now."""
    if os.getpid() != main and os.getppid() == 1 != main:
        os._exit(1)


def _answers(
    task: Task, pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]
) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """The teacher's, from its file."""
    import onnxruntime

    from birthmark.training.inputs import DEVIATION, MEAN

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        str(task.folder / f"{task.planned.teacher}.onnx"),
        options,
        providers=["CPUExecutionProvider"],
    )
    name = session.get_inputs()[0].name
    said = [
        session.run(None, {name: ((part.astype(np.float32) - MEAN) / DEVIATION)})[0]
        for part in np.array_split(pixels, max(1, len(pixels) // 256))
    ]
    return np.concatenate(said)
