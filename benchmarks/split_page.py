"""The tables of models that know a split and models that do not, for `benchmarks.witnesses`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from benchmarks.split_models import Pool
from numpy.typing import NDArray

from birthmark.bench.markdown import grid
from birthmark.data.outputs import Kind, Outputs
from birthmark.witnesses.shuffled.witness import Known, Shuffled, known, rightness


@dataclass(frozen=True)
class Split:
    """A population of `benchmarks.split_models`: its plan, and every model's answers."""

    asked: Shuffled
    classes: int
    models: dict[str, list[Outputs]]
    right: dict[str, list[float]]
    outsiders: list[Outputs]

    @classmethod
    def of(cls, keep: Path, data: Path, task: str, canaries: float) -> Split:
        """Read it."""
        pool = Pool(data, task)
        plan, truth = pool.plan(canaries), pool.labels.numpy()
        drawn = [plan.drawn(d, y) for d, y in zip(pool.digests, truth.tolist(), strict=True)]
        models: dict[str, list[Outputs]] = defaultdict(list)
        right: dict[str, list[float]] = defaultdict(list)
        for file in sorted((keep / f"{task}-{canaries:g}").glob("*.npz")):
            group, held = file.stem.rpartition(".")[0], np.load(file)
            models[group].append(Outputs(held["logits"], Kind.LOGITS, pool.classes))
            right[group].append(float(held["accuracy"]))
        return cls(
            Shuffled([], drawn, truth), pool.classes, models, right, models.pop("outsider", [])
        )

    def seen(self, group: str, kind: Kind, places: list[int], beside: bool) -> list[Known]:
        """What a group's answers to some images show."""
        others = [one.at(places) for one in self.outsiders] if beside else []
        drawn = [self.asked.drawn[i] for i in places]
        asked = Shuffled([], drawn, self.asked.truth[places])
        return [
            known(asked, one.at(places).to(kind), self.classes, others)
            for one in self.models[group]
        ]

    def orders(self) -> dict[str, NDArray[np.int64]]:
        """By chance, or first those that outsiders find hard, or half know; sides are not used."""
        drawn = np.random.default_rng(0).permutation(len(self.asked.truth))
        hard = np.mean([rightness(self.asked.truth, one) for one in self.outsiders], axis=0)[drawn]
        return {
            "drawn": drawn,
            "hard first": drawn[np.argsort(hard, kind="stable")],
            "half known first": drawn[np.argsort(np.abs(hard - np.log(0.5)), kind="stable")],
        }


def told(found: Sequence[Known]) -> str:
    """Mean z, and the greatest p-value."""
    worst = max(1.0 if one.p_value is None else one.p_value for one in found)
    return f"{np.mean([one.z for one in found]):.1f} ({worst:.1g})"


def by_queries(split: Split) -> Iterator[list[str]]:
    """A row a group and kind of answers."""
    order = split.orders()["drawn"].tolist()
    for group, shares in split.right.items():
        if group == "outsider":
            continue
        for kind, beside in product((Kind.LOGITS, Kind.LABELS), (True, False)):
            yield [
                group,
                str(len(shares)),
                f"{min(shares):.2f} to {max(shares):.2f}",
                ("scores" if kind is Kind.LOGITS else "labels")
                + (", beside outsiders" if beside else ""),
                *(told(split.seen(group, kind, order[:count], beside)) for count in ASKED),
            ]


def by_order(split: Split) -> Iterator[list[str]]:
    """Whether some images should be asked first."""
    for group in split.models:
        for name, order in split.orders().items():
            yield [
                group,
                name,
                *(
                    told(split.seen(group, kind, order[:1000].tolist(), beside=True))
                    for kind in (Kind.LOGITS, Kind.LABELS)
                ),
            ]


def by_canaries(split: Split, share: float) -> Iterator[list[str]]:
    """How many canaries are known."""
    everything = list(range(len(split.asked.truth)))
    for group, shares in split.right.items():
        (found, *_) = split.seen(group, Kind.LABELS, everything, beside=False)
        p = "-" if found.canary_p is None else f"{found.canary_p:.1g}"
        yield [f"{share:.1%}", group, f"{shares[0]:.2f}", f"{found.hits} of {found.canaries}", p]


ASKED = (8000, 4000, 1000, 300, 100)


def shuffled_parts(keep: Path, data: Path) -> list[str]:
    """All tables of splits."""
    head = ["", "models", "accuracy", "answers", *map(str, ASKED)]
    parts = [
        "## What was shuffled",
        "`python -m benchmarks.split_models --data ../shared/data --keep /tmp/split` trained a"
        " small VGG on a random half of 8,000 images, copies and students on 4,000 *other* images,"
        " innocents on such or on all 8,000; 10,000 other images in all. Two *outsiders*, trained"
        " on other images, say how hard each image is. Mean z over models, and in brackets the"
        " greatest p-value, by the number of images asked; one run, seeds are fixed.",
    ]
    for task in ("objects", "emotion"):
        split = Split.of(keep, data, task, 0.0)
        parts += [
            f"### `{task}`",
            grid(head, list(by_queries(split))),
            "Which images to ask first, if only 1,000 are: z and the greatest p, beside outsiders.",
            grid(["", "images", "scores", "labels"], list(by_order(split))),
        ]
    rows = [
        row
        for share in (0.005, 0.05)
        for row in by_canaries(Split.of(keep, data, "objects", share), share)
    ]
    return [
        *parts,
        "### Canaries",
        "That share of the images was trained on with labels drawn at random; one model each, of"
        " `objects`. How many of the canaries were answered with that label, and p by the"
        " binomial.",
        grid(["share", "", "accuracy", "hits", "p"], rows),
    ]
