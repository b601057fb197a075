"""What a shared checkpoint does to innocents, and how long references must be fine-tuned from it.

python -m benchmarks.starts --data ../shared/data --write benchmarks/starts.md
"""

from __future__ import annotations

import argparse
import copy
import io
import os
import platform
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pyarrow.parquet
import torch
from PIL import Image as Pillow
from torch import Tensor, nn

from birthmark import __version__
from birthmark.bench.markdown import grid
from birthmark.calibration import called, decisive, predictions
from birthmark.calibration.population import fit
from birthmark.data.outputs import Kind, Outputs
from birthmark.references.learn import Images, Learnt, learn
from birthmark.references.network import built_in
from birthmark.references.recipe import Recipe
from birthmark.scores import SCORES
from birthmark.scores.partial import correlations
from birthmark.training.inputs import answers
from birthmark.training.nets.head import replace_head

SIDE, CLASSES, PROBES = 32, 10, 100
PRETRAINED, EACH = 9000, 2000
INNOCENTS, FOUR, EACH_OTHER = 8, 4, 2
INNOCENT = "innocents of the start"
OWN, OTHERS = "resnet@public", ("vgg", "densenet", "inception", "squeeze")
BRIEFLY = (0.25, 0.5, 1.0, 2.0, 5.0)
FEWER = 0.25
USUAL = Recipe(epochs=5, rate=0.02)
SCRATCH = Recipe(epochs=12, rate=0.1)
HEAD = Recipe(epochs=20, rate=0.1, layers="last")


def images(file: Path, count: int, skip: int = 0) -> tuple[Tensor, Tensor]:
    """uint8 (n, 3, 32, 32) and labels of a Parquet file's images."""
    table = pyarrow.parquet.read_table(file).slice(skip, count)
    pixels = [
        np.asarray(Pillow.open(io.BytesIO(one["bytes"])).convert("RGB").resize((SIDE, SIDE)))
        for one in table["image"].to_pylist()
    ]
    labels = torch.tensor(table["label"].to_pylist())
    return torch.from_numpy(np.stack(pixels).transpose(0, 3, 1, 2).copy()), labels


class Answered(NamedTuple):
    """A model's answers to the probes, and the share of other images on which it is right."""

    said: Outputs
    right: float


class Bench:
    """Trains on different images each time, and asks all about the same probes."""

    def __init__(self, data: Path) -> None:
        self.pixels, self.labels = images(data / "cifar10" / "train.parquet", 20_000)
        self.check = images(data / "cifar10" / "test.parquet", 1000)
        self.probes, _ = images(data / "cifar10" / "test.parquet", PROBES, 2000)
        pixels, labels = images(data / "tiny-imagenet" / "train.parquet", PRETRAINED)
        mixed = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
        pixels, labels = pixels[mixed], labels[mixed]
        _, numbered = torch.unique(labels, return_inverse=True)
        last = Images(pixels[:-500], numbered[:-500], pixels[-500:], numbered[-500:])
        width = int(numbered.max()) + 1
        public = self._learnt(lambda: built_in("resnet", width, 3, SIDE), last, SCRATCH, 1)
        self.start = public.net

    def model(self, net: nn.Module, recipe: Recipe, seed: int, share: float = 1.0) -> nn.Module:
        """A network trained on its own random images."""
        chosen = torch.randperm(len(self.pixels), generator=torch.Generator().manual_seed(seed))
        some = chosen[: round(share * EACH)]
        own = Images(self.pixels[some], self.labels[some], *self.check)
        return self._learnt(lambda: copy.deepcopy(net), own, recipe, seed).net

    def begun(self) -> nn.Module:
        """The checkpoint with a fresh head."""
        net = copy.deepcopy(self.start)
        replace_head(net, CLASSES)
        return net

    def asked(self, net: nn.Module) -> Answered:
        """Logits of the probes, and its accuracy."""
        right = (answers(net, self.check[0]).argmax(1) == self.check[1]).float().mean()
        said = Outputs(answers(net, self.probes).numpy(), Kind.LOGITS, CLASSES)
        return Answered(said, float(right))

    def several(
        self, net: nn.Module, recipe: Recipe, seed: int, count: int, share: float = 1.0
    ) -> list[Answered]:
        """So many, each trained on its own random images."""
        return [self.asked(self.model(net, recipe, seed + i, share)) for i in range(count)]

    @staticmethod
    def _learnt(make: Callable[[], nn.Module], own: Images, recipe: Recipe, seed: int) -> Learnt:
        return learn(
            make,
            own,
            recipe,
            name=f"model {seed}",
            seed=seed,
            verification=False,
            target=None,
        )


def row(
    what: str,
    victim: Answered,
    four: Sequence[Answered],
    own: str,
    others: Sequence[Answered],
    groups: dict[str, list[Answered]],
) -> list[str]:
    """Who would be called derived, with these four references and all others."""
    score = SCORES.make("partial0.03")
    references = [one.said for one in (*four, *others)]
    lineages = [own] * len(four) + [net for net in OTHERS for _ in range(EACH_OTHER)]
    stood = fit(correlations(victim.said, [victim.said, *references]), lineages)
    cells = []
    for suspects in groups.values():
        derived, ps = 0, []
        for suspect in suspects:
            mine, *rest = score(victim.said, [suspect.said, *references])
            worst = decisive(predictions(mine, rest, lineages, own))
            ps.append(1.0 if worst is None else worst.p_value)
            derived += called(mine, rest, lineages, own, 0.01)
        cells.append(f"{derived} of {len(suspects)} (p {min(ps):.2g} to {max(ps):.2g})")
    right = f"{np.mean([one.right for one in four]):.2f}"
    return [what, right, "-" if stood is None else f"{stood.times:.1f}", *cells]


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--write", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    began = time.monotonic()
    bench = Bench(args.data)
    net = bench.model(bench.begun(), USUAL, 2)
    victim = bench.asked(net)
    innocents = bench.several(bench.begun(), USUAL, 10, INNOCENTS)
    groups = {INNOCENT: innocents, "fine-tuned from the victim": bench.several(net, USUAL, 30, 4)}
    stolen = list(groups)
    others = [
        one
        for k, other in enumerate(OTHERS)
        for one in bench.several(scratch(other), SCRATCH, 50 + 10 * k, EACH_OTHER)
    ]
    heads = bench.several(bench.begun(), HEAD, 200, FOUR)
    table = [
        row(
            "from random weights",
            victim,
            bench.several(scratch("resnet"), SCRATCH, 90, FOUR),
            "resnet",
            others,
            groups,
        ),
        row("from the start, last layer only", victim, heads, OWN, others, groups),
    ]
    begun: list[Answered] = []
    for epochs in BRIEFLY:
        recipe = USUAL.model_copy(update={"epochs": epochs})
        begun = bench.several(bench.begun(), recipe, 100, FOUR)
        table.append(row(f"from the start, {epochs:g} epochs", victim, begun, OWN, others, groups))
    for epochs in (USUAL.epochs, USUAL.epochs / FEWER):
        recipe = USUAL.model_copy(update={"epochs": epochs})
        fewer = bench.several(bench.begun(), recipe, 150, FOUR, FEWER)
        what = f"from the start, {epochs:g} epochs of {FEWER:.0%} of as many images"
        table.append(row(what, victim, fewer, OWN, others, groups))
    net = bench.model(bench.begun(), HEAD, 3)
    head = bench.asked(net)
    groups = {
        "innocent heads": bench.several(bench.begun(), HEAD, 210, INNOCENTS),
        INNOCENT: innocents,
        "trained on from the victim's head": bench.several(net, HEAD, 230, 4),
    }
    second = [
        row("from the start, last layer only", head, heads, OWN, others, groups),
        row(f"from the start, {BRIEFLY[-1]:g} epochs", head, begun, OWN, others, groups),
    ]
    columns = ("four references are", "right on", "victim times as unexplained")
    minutes = (time.monotonic() - began) / 60
    args.write.write_text(
        "# A shared checkpoint\n\n"
        "A small ResNet is trained on Tiny-ImageNet: the public checkpoint. Victim and innocents"
        f" are fine-tuned from it for {USUAL.epochs:g} epochs, each on {EACH:,} other images of"
        f" CIFAR-10 (the victim is right on {victim.right:.2f}); thieves are fine-tuned from the"
        f" victim. References are {EACH_OTHER} of each of {len(OTHERS)} networks from random"
        f" weights, and four more: see the rows. {PROBES} probes, score `partial0.03`, alpha 1%:"
        " called derived, and the p-values.\n\n"
        f"{grid((*columns, *stolen), table)}\n\n"
        "The same with a victim that is a fresh last layer on the checkpoint's features"
        f" (right on {head.right:.2f}).\n\n"
        f"{grid((*columns, *groups), second)}\n\n"
        f"`python -m benchmarks.starts --data ../shared/data --write benchmarks/starts.md`;"
        f" birthmark {__version__}, {platform.machine()}, {minutes:.1f} minutes; one run, seeds"
        " fixed.\n"
    )


def scratch(net: str) -> nn.Module:
    """With random weights."""
    return built_in(net, CLASSES, 3, SIDE)


if __name__ == "__main__":
    main()
