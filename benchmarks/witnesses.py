"""How often the witnesses that need no references find copies, and leave others alone.

python -m benchmarks.witnesses --data ../shared/data --zoo ZOO ... --keep /tmp/split
--write benchmarks/witnesses.md
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import safetensors.numpy
from benchmarks.split_page import shuffled_parts
from numpy.typing import NDArray
from torch import nn

from birthmark import __version__
from birthmark.bench.markdown import grid
from birthmark.models.weights import Tensor, read_weights
from birthmark.models.weights.tensors import from_torch
from birthmark.witnesses.weights.added import added
from birthmark.witnesses.weights.witness import Compared, compare

SURE, CLEAR = 1e-6, 1e-3
EXACT, ANY = "by place or order", "in any order"


@dataclass(frozen=True)
class Model:
    """A model of a zoo: its record and its weights."""

    name: str
    group: str
    network: str
    start: str | None
    parent: str | None
    tensors: list[Tensor]


def models(zoo: Path) -> dict[str, Model]:
    """All models of a zoo that have weights of their own."""
    found = {}
    for record in sorted((zoo / "models").rglob("*.json")):
        told = json.loads(record.read_text())
        file = record.with_suffix(".safetensors")
        if file.is_file():
            found[told["name"]] = Model(
                told["name"],
                told["group"],
                told["family"],
                told.get("start"),
                told["parent"] if told["recipe"] not in STUDENTS else None,
                read_weights(file),
            )
    return found


STUDENTS = {
    "extracted-labels",
    "extracted-probabilities",
    "extracted-noisy",
    "extracted-embeddings",
    "extracted-similarities",
    "extracted-congruent",
    "knockoff",
    "cloud-leak",
    "data-free",
}
"""Recipes whose parent is a teacher: its weights are not where they begin."""


def ancestors(name: str, everyone: dict[str, Model]) -> set[str]:
    """All whose weights a model's go back to, itself among them."""
    met: set[str] = set()
    waiting = [name]
    while waiting:
        one = waiting.pop()
        if one in met or one not in everyone:
            continue
        met.add(one)
        waiting += [other for other in (everyone[one].start, everyone[one].parent) if other]
    return met


def summed(what: str, found: Sequence[Compared]) -> list[str]:
    """A row: how many of a kind were found, at what p-values."""
    ps = [one.p_value for one in found if one.p_value is not None]
    if not ps:
        return [what, str(len(found)), "0", "-", "-", "-", "-"]
    return [
        what,
        str(len(found)),
        str(len(ps)),
        *(str(sum(p <= level for p in ps)) for level in (SURE, CLEAR)),
        f"{min(ps):.1g}",
        f"{max(ps):.1g}",
    ]


HEADER = ["", "pairs", "comparable", f"p <= {SURE:g}", f"p <= {CLEAR:g}", "least p", "greatest p"]


def rearranged(tensors: Sequence[Tensor], seed: int) -> list[Tensor]:
    """Hidden units of a chain of convolutions in another order; only for networks that are one."""
    rng = np.random.default_rng(seed)
    order: NDArray[np.int64] | None = None
    made = []
    for one in tensors:
        values = one.values
        if values.ndim == 4:
            values = values if order is None or len(order) != values.shape[1] else values[:, order]
            order = rng.permutation(len(values))
            values = values[order]
        made.append(Tensor(one.name, values))
    return made


def by_victim(everyone: dict[str, Model]) -> Iterator[list[str]]:
    """The victim beside every group, then all pairs with and without a common ancestor."""
    victim = everyone["victim"]
    groups: dict[str, list[Compared]] = defaultdict(list)
    for one in everyone.values():
        if one.name != "victim" and one.network == victim.network:
            related = ancestors(one.name, everyone) & ancestors("victim", everyone)
            mark = " *" if related else ""
            groups[f"{one.group}{mark}"].append(compare(victim.tensors, one.tensors))
    for name, found in groups.items():
        yield summed(name, found)
    pairs: dict[bool, list[Compared]] = {True: [], False: []}
    agreeing = []
    named = list(everyone.values())
    families = {m.name: ancestors(m.name, everyone) for m in named}
    for i, one in enumerate(named):
        for other in named[i + 1 :]:
            if one.network == other.network:
                alike = bool(families[one.name] & families[other.name])
                found_one = compare(one.tensors, other.tensors)
                pairs[alike].append(found_one)
                if not alike and found_one.matching is not None:
                    agreeing.append(np.exp(found_one.matching.log_p_agreeing))
    yield summed("all pairs with a common ancestor", pairs[True])
    yield summed("all pairs without", pairs[False])
    if victim.network == "vgg":
        copies = [m for m in named if m.group.startswith(("finetuned", "fine-pruned"))]
        mixed = [compare(victim.tensors, rearranged(m.tensors, i)) for i, m in enumerate(copies)]
        yield summed("copies, units in another order", mixed)
    low = sum(p <= CLEAR for p in agreeing)
    least = f"{min(agreeing):.1g}" if agreeing else "-"
    yield [
        "of these without, by agreement alone",
        str(len(agreeing)),
        str(len(agreeing)),
        str(sum(p <= SURE for p in agreeing)),
        str(low),
        least,
        "-",
    ]


def beyond(everyone: dict[str, Model]) -> Iterator[list[str]]:
    """What was added to the victim's checkpoint, if it began from one."""
    victim = everyone["victim"]
    if victim.start not in everyone:
        return
    begun = everyone[str(victim.start)]
    own = [
        m
        for m in everyone.values()
        if m.start == victim.start and m.network == victim.network and m.name != "victim"
    ]
    references = [m.tensors for m in own if m.group.startswith("reference")]
    suspects: dict[str, list[Model]] = defaultdict(list)
    for m in everyone.values():
        inherited = "victim" in ancestors(m.name, everyone) and m.name != "victim"
        if (m in own and not m.group.startswith("reference")) or inherited:
            suspects[m.group].append(m)
    for name, members in suspects.items():
        found = [added(begun.tensors, victim.tensors, m.tensors, references) for m in members]
        kept = [one for one in found if one is not None and one.p_value is not None]
        if kept:
            cosines = [one.suspect for one in kept]
            yield [
                name,
                str(len(kept)),
                f"{min(cosines):.2f} to {max(cosines):.2f}",
                f"{min(kept[0].references):.2f} to {max(kept[0].references):.2f}",
                str(sum((one.p_value or 1) <= 0.01 for one in kept)),
                str(sum((one.p_value or 1) <= SURE for one in kept)),
            ]


def real(data: Path) -> Iterator[list[str]]:
    """Published networks."""
    files = sorted((data / "real-cifar").glob("*.onnx"))
    read = {file.stem: read_weights(file) for file in files}
    victim = read.pop("victim_resnet20")
    for name, tensors in read.items():
        yield summed(name, [compare(victim, tensors)])
    others = [one for name, one in read.items() if not name.startswith("derived")]
    pairs = [compare(a, b) for i, a in enumerate(others) for b in others[i + 1 :]]
    yield summed("resnet32, 44 and 56 beside each other", pairs)


def same_seed(data: Path) -> str:
    """Two makers who owe each other nothing, and both began with the seed 0."""
    from benchmarks.starts import SIDE, images

    from birthmark.references.learn import Images, learn
    from birthmark.references.network import built_in
    from birthmark.references.recipe import Recipe

    pixels, labels = images(data / "cifar10" / "train.parquet", 4000)
    made = []
    for i, net in enumerate(("vgg", "resnet")):
        part = slice(2000 * i, 2000 * (i + 1))
        own = Images(pixels[part], labels[part], pixels[:200], labels[:200])

        def make(net: str = net) -> nn.Module:
            return built_in(net, 10, 3, SIDE)

        trained = learn(
            make, own, Recipe(epochs=2), name=net, seed=0, verification=False, target=None
        )
        made.append(
            [
                tensor
                for name, value in trained.net.state_dict().items()
                if value.ndim > 1
                for tensor in from_torch(name, value.numpy())
            ]
        )
    found = compare(*made)
    placed = found.in_place
    return (
        "A VGG and a ResNet that were trained on different images, 2,000 each for two epochs, but"
        f" both with the seed 0: p = {found.p_value:.1g}"
        + (f", {placed.hits} of {placed.units} units in place" if placed is not None else "")
        + ". They have a common start, which is all that the witness says."
    )


def speed() -> str:
    """Time and memory of two files of 100 MB that have nothing in common, the slowest case."""
    shapes = [(64, 3, 7, 7)]
    width = 64
    for inner, count in ((64, 3), (128, 4), (256, 6), (512, 3)):
        for _ in range(count):
            shapes += [(inner, width, 1, 1), (inner, inner, 3, 3), (4 * inner, inner, 1, 1)]
            width = 4 * inner
    with TemporaryDirectory() as folder:
        files = [Path(folder) / f"{i}.safetensors" for i in range(2)]
        for i, file in enumerate(files):
            rng = np.random.default_rng(i)
            layers = {str(k): rng.standard_normal(s, np.float32) for k, s in enumerate(shapes)}
            safetensors.numpy.save_file(layers, file)
        size = files[0].stat().st_size / 2**20
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
        clock, processor = time.monotonic(), time.process_time()
        compare(*(read_weights(file) for file in files))
        clock, processor = time.monotonic() - clock, time.process_time() - processor
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    return (
        f"Two files of {size:.0f} MiB with a ResNet-50's layers that have nothing in common, the"
        f" slowest case: {processor:.1f} s of one core ({clock:.0f} s by the clock of a machine"
        f" that did much else), and at most {max(0.0, after - before):.0f} MiB more than before."
    )


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--zoo", type=Path, action="append", default=[])
    parser.add_argument("--keep", type=Path, help="What benchmarks.split_models kept.")
    parser.add_argument("--write", type=Path, required=True)
    args = parser.parse_args()
    began = time.monotonic()
    parts = [
        "# Witnesses without references",
        "Written by `python -m benchmarks.witnesses --data ../shared/data"
        + "".join(f" --zoo {zoo.name}" for zoo in args.zoo)
        + f" --write benchmarks/witnesses.md` ({__version__}, {platform.machine()},"
        " {minutes:.0f} minutes).",
        "## Weights",
        "p-values of the file witness: the smallest of three tests, times three."
        " *Comparable*: some layers have one shape, or could be matched.",
        "### Published CIFAR-10 ResNets, beside `victim_resnet20`",
        grid(HEADER, list(real(args.data))),
        same_seed(args.data),
        speed(),
    ]
    for zoo in args.zoo:
        everyone = models(zoo)
        parts += [
            f"### Zoo `{zoo.name}`: {len(everyone)} models",
            "The victim beside each group of its network; those marked * go back to the same"
            " weights as the victim, be it itself or its checkpoint. Then all pairs of one network."
            " *By agreement alone*: the test that is not exact.",
            grid(HEADER, list(by_victim(everyone))),
        ]
        if rows := list(beyond(everyone)):
            head = ["", "models", "cosine with what the victim added", "of references"]
            parts += [
                "What was added to the checkpoint that the victim began from (`--init`), judged by"
                " references that began there too.",
                grid([*head, "p <= 0.01", f"p <= {SURE:g}"], rows),
            ]
    if args.keep is not None:
        parts += shuffled_parts(args.keep, args.data)
    text = "\n\n".join(parts) + "\n"
    args.write.write_text(text.replace("{minutes:.0f}", f"{(time.monotonic() - began) / 60:.0f}"))


if __name__ == "__main__":
    main()
