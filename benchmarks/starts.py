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
INNOCENTS, SAME_START = 8, 4
OWN, OTHERS = "resnet@public", ("vgg", "densenet", "inception", "squeeze")
BRIEFLY = (0.25, 0.5, 1.0, 2.0, 5.0)
USUAL = Recipe(epochs=5, rate=0.02)
SCRATCH = Recipe(epochs=12, rate=0.1)


def images(file: Path, count: int, skip: int = 0) -> tuple[Tensor, Tensor]:
    """uint8 (n, 3, 32, 32) and labels of a Parquet file's images."""
    table = pyarrow.parquet.read_table(file).slice(skip, count)
    pixels = [
        np.asarray(Pillow.open(io.BytesIO(one["bytes"])).convert("RGB").resize((SIDE, SIDE)))
        for one in table["image"].to_pylist()
    ]
    labels = torch.tensor(table["label"].to_pylist())
    return torch.from_numpy(np.stack(pixels).transpose(0, 3, 1, 2).copy()), labels


class Bench:
    """Trains on different images each time, and asks all about the same probes."""

    def __init__(self, data: Path) -> None:
        self.pixels, self.labels = images(data / "cifar10" / "train.parquet", 20_000)
        self.check = images(data / "cifar10" / "test.parquet", 1000)
        self.probes, _ = images(data / "cifar10" / "test.parquet", PROBES, 2000)
        pixels, labels = images(data / "tiny-imagenet" / "train.parquet", PRETRAINED)
        _, numbered = torch.unique(labels, return_inverse=True)
        last = Images(pixels[:-500], numbered[:-500], pixels[-500:], numbered[-500:])
        width = int(numbered.max()) + 1
        public = self._learnt(lambda: built_in("resnet", width, 3, SIDE), last, SCRATCH, 1)
        self.start = public.net

    def model(self, net: nn.Module, recipe: Recipe, seed: int) -> nn.Module:
        """A network trained on its own random images."""
        chosen = torch.randperm(len(self.pixels), generator=torch.Generator().manual_seed(seed))
        some = chosen[:EACH]
        own = Images(self.pixels[some], self.labels[some], *self.check)
        return self._learnt(lambda: copy.deepcopy(net), own, recipe, seed).net

    def begun(self) -> nn.Module:
        """The checkpoint with a fresh head."""
        net = copy.deepcopy(self.start)
        replace_head(net, CLASSES)
        return net

    def said(self, net: nn.Module) -> Outputs:
        """Logits of the probes."""
        return Outputs(answers(net, self.probes).numpy(), Kind.LOGITS, CLASSES)

    def right(self, net: nn.Module) -> float:
        """Accuracy."""
        return float((answers(net, self.check[0]).argmax(1) == self.check[1]).float().mean())

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
    victim: Outputs,
    references: Sequence[Outputs],
    lineages: Sequence[str],
    own: str,
    groups: dict[str, list[Outputs]],
) -> list[str]:
    """Who would be called derived, with such references."""
    score = SCORES.make("partial0.03")
    stood = fit(correlations(victim, [victim, *references]), lineages)
    cells = []
    for suspects in groups.values():
        derived, ps = 0, []
        for suspect in suspects:
            mine, *others = score(victim, [suspect, *references])
            worst = decisive(predictions(mine, others, lineages, own))
            ps.append(1.0 if worst is None else worst.p_value)
            derived += called(mine, others, lineages, own, 0.01)
        cells.append(f"{derived} of {len(suspects)} (p {min(ps):.2g} to {max(ps):.2g})")
    return [what, "-" if stood is None else f"{stood.times:.1f}", *cells]


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--write", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    began = time.monotonic()
    bench = Bench(args.data)
    victim = bench.model(bench.begun(), USUAL, 2)
    innocents = [bench.model(bench.begun(), USUAL, 10 + i) for i in range(INNOCENTS)]
    thieves = [bench.model(victim, USUAL, 30 + i) for i in range(4)]
    groups = {
        "innocents of the start": [bench.said(one) for one in innocents],
        "fine-tuned from the victim": [bench.said(one) for one in thieves],
    }
    scratch, lineages = [], []
    for k, net in enumerate(OTHERS):
        for i in range(2):
            fresh = built_in(net, CLASSES, 3, SIDE)
            scratch.append(bench.said(bench.model(fresh, SCRATCH, 50 + 10 * k + i)))
            lineages.append(net)
    alone = [
        bench.said(bench.model(built_in("resnet", CLASSES, 3, SIDE), SCRATCH, 90 + i))
        for i in range(SAME_START)
    ]
    mine = bench.said(victim)
    table = [
        row(
            "the same network from random weights",
            mine,
            [*alone, *scratch],
            ["resnet"] * SAME_START + lineages,
            "resnet",
            groups,
        )
    ]
    accuracies = []
    for epochs in BRIEFLY:
        recipe = USUAL.model_copy(update={"epochs": epochs})
        begun = [bench.model(bench.begun(), recipe, 100 + i) for i in range(SAME_START)]
        accuracies.append(np.mean([bench.right(one) for one in begun]))
        table.append(
            row(
                f"from the start, {epochs:g} epochs (right on {accuracies[-1]:.2f})",
                mine,
                [*(bench.said(one) for one in begun), *scratch],
                [OWN] * SAME_START + lineages,
                OWN,
                groups,
            )
        )
    headings = ("four references are", "victim times as unexplained", *groups)
    minutes = (time.monotonic() - began) / 60
    args.write.write_text(
        "# A shared checkpoint\n\n"
        "A small ResNet is trained on Tiny-ImageNet: the public checkpoint. Victim and innocents"
        f" are fine-tuned from it for {USUAL.epochs:g} epochs, each on {EACH:,} other images of"
        f" CIFAR-10 (the victim is right on {bench.right(victim):.2f}); thieves are fine-tuned from"
        f" the victim. References are two of each of {len(OTHERS)} networks from random weights,"
        f" and four more: see the rows. {PROBES} probes, score `partial0.03`, alpha 1%: called"
        " derived, and the p-values.\n\n"
        f"{grid(headings, table)}\n\n"
        f"`python -m benchmarks.starts --data ../shared/data --write {args.write}`; birthmark"
        f" {__version__}, {platform.machine()}, {minutes:.1f} minutes; one run, seeds fixed.\n"
    )


if __name__ == "__main__":
    main()
