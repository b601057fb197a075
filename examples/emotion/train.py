"""Train a victim, a thief by labels and independent models on FER2013, and export them to ONNX.

    python train.py --data DIR --out models --references 4

DIR holds FER2013 as Parquet in the Hugging Face layout (train.parquet, test.parquet).
The training split is halved at random: the victim sees the owner's half, all others the
thief's half. The thief's labels are the victim's answers; the others' are the true ones.
A model that is already exported is not trained again.
"""

from __future__ import annotations

import argparse
import io
import json
import multiprocessing
import os
import time
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import onnxruntime
import pyarrow.parquet as pq
import torch
from PIL import Image
from torch import Tensor, nn

MEAN, STD = 0.508, 0.255
CLASSES = 7
LINEAGES = ("vgg", "resnet")
DECLARATION = f"""size = [48, 48]
channels = 1
range = [0, 1]
mean = [{MEAN}]
std = [{STD}]
output = "logits"
"""


def block(inputs: int, outputs: int) -> nn.Sequential:
    """3x3 convolution, batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
    )


class Residual(nn.Module):
    """Two blocks with a shortcut around the second."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first, self.second = block(inputs, outputs), block(outputs, outputs)

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        x = self.first(x)
        return x + self.second(x)


def network(lineage: str) -> nn.Sequential:
    """A small network on (n, 1, 48, 48) that answers with seven logits: 'vgg' or 'resnet'."""
    layers: list[nn.Module] = []
    channels = 1
    for width in (16, 32, 64, 128):
        if width < 128:
            layers.append(block(channels, width))
        elif lineage == "vgg":
            layers += [block(channels, width), block(width, width)]
        else:
            layers.append(Residual(channels, width))
        layers.append(nn.MaxPool2d(2))
        channels = width
    return nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.4), nn.Linear(128 * 3 * 3, CLASSES))


def read(file: Path) -> tuple[Tensor, Tensor]:
    """Images as uint8 (n, 1, 48, 48) and labels as int64 (n,)."""
    table = pq.read_table(file, columns=["image", "label"])
    pixels = [
        np.asarray(Image.open(io.BytesIO(row["bytes"])).convert("L"))
        for row in table["image"].to_pylist()
    ]
    return torch.from_numpy(np.stack(pixels)[:, None]), torch.from_numpy(table["label"].to_numpy())


def scaled(images: Tensor) -> Tensor:
    """uint8 pixels to the float32 input that birthmark.toml declares."""
    return (images.float() / 255 - MEAN) / STD


def augmented(images: Tensor, rng: torch.Generator) -> Tensor:
    """Mirrored by chance, and shifted by up to four pixels."""
    images = torch.where(
        torch.rand(len(images), 1, 1, 1, generator=rng) < 0.5, images.flip(3), images
    )
    padded = nn.functional.pad(images, (4, 4, 4, 4))
    down, right = torch.randint(0, 9, (2,), generator=rng).tolist()
    return padded[:, :, down : down + 48, right : right + 48]


def batches(n: int, size: int, rng: torch.Generator) -> Iterator[Tensor]:
    yield from torch.randperm(n, generator=rng).split(size)


def train(images: Tensor, labels: Tensor, lineage: str, seed: int, epochs: int) -> nn.Module:
    torch.manual_seed(seed)
    rng = torch.Generator().manual_seed(seed)
    model = network(lineage)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    steps = epochs * -(-len(images) // 128)
    optimiser = torch.optim.SGD(
        model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4, nesterov=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=0.1, total_steps=steps)
    model.train()
    for _ in range(epochs):
        for chosen in batches(len(images), 128, rng):
            batch = scaled(augmented(images[chosen], rng))
            batch = batch.to(memory_format=torch.channels_last)
            loss = nn.functional.cross_entropy(model(batch), labels[chosen])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return model.eval()


@torch.no_grad()
def predicted(model: nn.Module, images: Tensor) -> Tensor:
    return torch.cat([model(scaled(part)).argmax(1) for part in images.split(512)])


def asked(victim: Path, images: Tensor) -> Tensor:
    """The victim's labels: all that this thief gets of it."""
    session = onnxruntime.InferenceSession(victim)
    answers = [session.run(None, {"image": scaled(part).numpy()})[0] for part in images.split(512)]
    return torch.from_numpy(np.concatenate(answers).argmax(axis=1))


def export(model: nn.Module, file: Path) -> None:
    """Write ONNX under a passing name first, so that a file that is there is whole."""
    passing = file.with_suffix(".part")
    torch.onnx.export(
        model,
        (torch.zeros(2, 1, 48, 48),),
        str(passing),
        input_names=["image"],
        output_names=["logits"],
        dynamic_shapes=({0: torch.export.Dim("n")},),
        external_data=False,
        verbose=False,
    )
    passing.rename(file)


def build(job: tuple[str, str, int], data: Path, out: Path, epochs: int) -> None:
    name, lineage, seed = job
    file = out / f"{name}.onnx"
    if file.exists():
        return
    torch.set_num_threads(1)
    began = time.monotonic()
    images, labels = read(data / "train.parquet")
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    owner, thief = order.chunk(2)
    half = owner if name == "victim" else thief
    x, y = images[half], labels[half]
    if name.startswith("thief"):
        y = asked(out / "victim.onnx", x)
    model = train(x, y, lineage, seed, epochs)
    test, truth = read(data / "test.parquet")
    accuracy = (predicted(model, test) == truth).float().mean().item()
    file.parent.mkdir(parents=True, exist_ok=True)
    export(model, file)
    record = {
        "name": name,
        "lineage": lineage,
        "seed": seed,
        "epochs": epochs,
        "test_accuracy": round(accuracy, 4),
        "seconds": round(time.monotonic() - began),
    }
    file.with_suffix(".json").write_text(json.dumps(record) + "\n")
    print(json.dumps(record), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("models"))
    parser.add_argument(
        "--references", type=int, default=4, help="independent models to compare with"
    )
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "birthmark.toml").write_text(DECLARATION)
    jobs = [
        ("thief", "vgg", 2),
        ("thief-resnet", "resnet", 3),
        ("innocent", "vgg", 4),
        ("innocent-resnet", "resnet", 5),
    ]
    for i in range(args.references):
        lineage = LINEAGES[i % len(LINEAGES)]
        jobs.append((f"references/{lineage}/{100 + i}", lineage, 100 + i))
    build(("victim", "vgg", 1), args.data, args.out, args.epochs)
    with multiprocessing.get_context("spawn").Pool(args.workers) as pool:
        tasks = [(job, args.data, args.out, args.epochs) for job in jobs]
        pool.starmap(build, tasks, chunksize=1)


if __name__ == "__main__":
    main()
