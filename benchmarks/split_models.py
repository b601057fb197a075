"""Models that know a split and models that do not, trained once and kept with their answers.

python -m benchmarks.split_models --data ../shared/data --keep /tmp/split
"""

from __future__ import annotations

import argparse
import copy
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import safetensors.torch
import torch
from benchmarks.starts import SIDE, images
from torch import Tensor, nn

from birthmark.common.digests import sha256
from birthmark.references.learn import Images, learn
from birthmark.references.network import built_in
from birthmark.references.recipe import Recipe
from birthmark.training.inputs import answers
from birthmark.witnesses.shuffled.plan import Plan, Side

SETS = {"objects": ("cifar10", 10), "emotion": ("fer2013", 7)}
POOL, OTHER, ALL = 8000, 10_000, 1 << 20
EACH, COPIES = 4000, 3
USUAL, TUNED, HARD = Recipe(epochs=12), Recipe(epochs=3, rate=0.02), Recipe(epochs=6, rate=0.1)
KEPT = [("objects", 0.0), ("emotion", 0.0), ("objects", 0.005), ("objects", 0.05)]
"""Which populations are trained: of what task, with what share of canaries."""


class Pool:
    """The images that were split, and others."""

    def __init__(self, data: Path, task: str) -> None:
        folder, self.classes = SETS[task]
        pixels, labels = mixed(data / folder / "train.parquet", POOL + OTHER, task)
        self.pixels, self.labels = pixels[:POOL], labels[:POOL]
        self.other, self.other_labels = pixels[POOL:], labels[POOL:]
        self.check = mixed(data / folder / "test.parquet", 1000, task)
        self.digests = [sha256(one.tobytes()) for one in self.pixels.numpy()]

    def plan(self, canaries: float) -> Plan:
        """A plan with a fixed seed."""
        return Plan(
            images=sha256(b"pool"),
            count=POOL,
            classes=self.classes,
            canaries=canaries,
            seed=f"{int(1000 * canaries):064x}",
        )

    def inside(self, plan: Plan) -> tuple[Tensor, Tensor]:
        """Pixels and labels to train the victim on."""
        labels = self.labels.tolist()
        drawn = [plan.drawn(d, y) for d, y in zip(self.digests, labels, strict=True)]
        kept = [i for i, one in enumerate(drawn) if one.side is not Side.OUTSIDE]
        return self.pixels[kept], torch.tensor([drawn[i].label for i in kept])

    def others(self, seed: int) -> tuple[Tensor, Tensor]:
        """So many other images at random."""
        some = torch.randperm(OTHER, generator=torch.Generator().manual_seed(seed))[:EACH]
        return self.other[some], self.other_labels[some]


def mixed(file: Path, count: int, task: str) -> tuple[Tensor, Tensor]:
    """So many images of a file; at random where the file is in the order of classes."""
    if task == "objects":
        return images(file, count)
    pixels, labels = images(file, ALL)
    some = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))[:count]
    return pixels[some], labels[some]


def trained(
    pool: Pool,
    own: tuple[Tensor, Tensor],
    seed: int,
    start: nn.Module | None = None,
    recipe: Recipe = USUAL,
    taught: Tensor | None = None,
    net: str = "vgg",
) -> nn.Module:
    """A network, fresh or from a start."""

    def make() -> nn.Module:
        return built_in(net, pool.classes, 3, SIDE) if start is None else copy.deepcopy(start)

    return learn(
        make,
        Images(*own, *pool.check),
        recipe,
        name=str(seed),
        seed=seed,
        verification=False,
        target=None,
        taught=taught,
    ).net


def population(
    pool: Pool, canaries: float, folder: Path
) -> Iterator[tuple[str, Callable[[], nn.Module]]]:
    """Names, `GROUP.N`, and how to train them; the victim comes first."""
    victim: list[nn.Module] = []

    def first() -> nn.Module:
        kept = folder / "victim.0.safetensors"
        if kept.is_file():
            victim.append(built_in("vgg", pool.classes, 3, SIDE))
            victim[0].load_state_dict(safetensors.torch.load_file(kept))
            victim[0].eval()
        else:
            victim.append(trained(pool, pool.inside(pool.plan(canaries)), 1))
        return victim[0]

    def tuned(i: int, recipe: Recipe) -> nn.Module:
        return trained(pool, pool.others(100 + i), 100 + i, victim[0], recipe)

    def student(i: int, *, labels: bool, where: Tensor) -> nn.Module:
        said = answers(victim[0], where)
        if labels:
            return trained(pool, (where, said.argmax(1)), 200 + i)
        return trained(pool, (where, said.argmax(1)), 200 + i, taught=said)

    def innocent(seed: int, *, whole: bool) -> nn.Module:
        own = (pool.pixels, pool.labels) if whole else pool.others(seed)
        return trained(pool, own, seed)

    yield "victim.0", first
    for i in range(0 if canaries else 2):
        yield f"outsider.{i}", partial(innocent, 400 + i, whole=False)
    for i in range(1 if canaries else COPIES):
        other, another = pool.others(300 + i)[0], pool.others(310 + i)[0]
        yield f"fine-tuned.{i}", partial(tuned, i, TUNED)
        yield f"student of soft answers.{i}", partial(student, i, labels=False, where=other)
        yield f"student of labels.{i}", partial(student, 10 + i, labels=True, where=another)
        if canaries:
            continue
        yield f"innocent, the whole pool.{i}", partial(innocent, 600 + i, whole=True)
        yield f"innocent, other images.{i}", partial(innocent, 500 + i, whole=False)
        yield f"fine-tuned hard.{i}", partial(tuned, 10 + i, HARD)


def main() -> None:
    """Train what is not there yet."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--keep", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    for task, canaries in KEPT:
        pool = Pool(args.data, task)
        folder: Path = args.keep / f"{task}-{canaries:g}"
        folder.mkdir(parents=True, exist_ok=True)
        for name, make in population(pool, canaries, folder):
            if (folder / f"{name}.npz").is_file() and not name.startswith("victim"):
                continue
            net = make()
            state = {key: value.contiguous() for key, value in net.state_dict().items()}
            safetensors.torch.save_file(state, folder / f"{name}.safetensors")
            right = (answers(net, pool.check[0]).argmax(1) == pool.check[1]).float().mean()
            said = answers(net, pool.pixels).numpy()
            np.savez(folder / f"{name}.npz", logits=said, accuracy=float(right))
            print(task, canaries, name, f"{float(right):.3f}", flush=True)


if __name__ == "__main__":
    main()
