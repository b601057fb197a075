"""Whether thieves lead to their victim among many models: sketches of recorded answers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.covariance import ledoit_wolf

from birthmark.bench.accused import COPY, kind_of
from birthmark.bench.markdown import grid
from birthmark.bench.population import Population
from birthmark.calibration import interval
from birthmark.data.outputs import Kind, Outputs
from birthmark.registry.index import indexed
from birthmark.registry.search import FIRST, Floats, nearest, scale_of, scaled
from birthmark.registry.sketch import WIDTH, Sketches, sketch
from birthmark.zoo.answers import Recorded, read_answers

SIZES = (10, 100, 1_000, 10_000, 100_000, 1_000_000)
BLOCK = 50_000
PART = 2_000
ROUNDING = 1e-5
NEAREST = 10
PROBABILITIES = "extraction by probabilities"
WEAK = "not kept"
NEW = "another label set"


class Hit(NamedTuple):
    """A thief: its zoo, what it is counted with, and how many models come before its victim.

    `chance` is how often a model comes as near to any other, among 100,000.
    """

    zoo: str
    kind: str
    attack: str
    before: list[int]
    chance: float


def kind(recorded: Recorded, thief: str, *, kept: bool) -> str:
    """Copies, extraction by probabilities, other extraction; apart those worse than honest."""
    if not kept:
        return WEAK
    if kind_of(recorded, thief) == COPY:
        return "copies"
    by = recorded.record(thief)
    while by.recipe not in LEARNT and by.parent is not None:
        by = recorded.record(by.parent)
    return PROBABILITIES if by.recipe == "extracted-probabilities" else "other extraction"


LEARNT = (
    "extracted-probabilities",
    "extracted-labels",
    "extracted-adversarial",
    "extracted-noisy",
    "extracted-embeddings",
    "extracted-similarities",
    "knockoff",
)


def hits(file: Path, n: int, seed: int, *, largest: bool) -> Iterator[Hit]:
    """Every thief of a zoo, by the places of its victim.

    The registry holds the victim, the zoo's independent models, and models drawn from a normal
    distribution with the independent ones' mean and covariance (Ledoit and Wolf's estimate).
    """
    recorded = read_answers(file)
    population = Population.of(recorded)
    probes = "natural" if len(recorded.labels("natural")) >= n else "jpeg25"
    honest = [population.victim, *population.references, *population.independents]
    thieves = [
        (one, attack.name, NEW if attack.new_head else kind(recorded, one, kept=kept))
        for attack in population.attacks
        for one, kept in zip(attack.thieves, attack.kept, strict=True)
    ]

    def said(name: str) -> Outputs:
        return recorded.outputs(name, probes).first(n)

    for labels in (False, True):
        some = [one for one in thieves if (said(one[0]).kind is Kind.LABELS) == labels]
        if not some:
            continue

        def drawn(name: str, labels: bool = labels) -> Sketches:
            return sketch(said(name).to(Kind.LABELS) if labels else said(name))

        real = np.stack([drawn(one) for one in honest])
        stolen = np.stack([drawn(one) for one, _, _ in some])
        before, chances = places(real, stolen, seed, largest=largest)
        for (_, attack, of), counts, chance in zip(some, before.tolist(), chances, strict=True):
            shown = "labels only" if labels else of
            yield Hit(file.stem, shown, attack, counts, float(chance))


class Drawn:
    """Models as the independent ones are, in blocks of 50,000: the same ones by the same seed."""

    def __init__(self, independent: Sketches, seed: int) -> None:
        self.seed = seed
        rows = independent.astype(np.float64)
        self.mean = rows.mean(axis=0).astype(np.float32)
        _, shrunk = ledoit_wolf(rows)
        apart = rows - rows.mean(axis=0)
        self.parts = (np.sqrt((1 - shrunk) / len(rows)) * apart).astype(np.float32)
        self.rest = np.float32(np.sqrt(shrunk * np.square(apart).sum() / len(rows) / WIDTH))

    def block(self, number: int, count: int = BLOCK) -> Sketches:
        """One block: the independent models' mean and covariance (Ledoit and Wolf's estimate)."""
        rng = np.random.default_rng((self.seed, number))
        rows = self.rest * rng.standard_normal((count, WIDTH), np.float32)
        rows += rng.standard_normal((count, len(self.parts)), np.float32) @ self.parts
        rows += self.mean
        return np.clip(np.round(rows), -127, 127).astype(np.int8)

    def filled(self, real: Sketches, size: int) -> Sketches:
        """Real models, and drawn ones up to that size."""
        extra = max(0, size - len(real))
        counts = [min(BLOCK, extra - start) for start in range(0, extra, BLOCK)]
        blocks = [self.block(i, count) for i, count in enumerate(counts)]
        return np.concatenate([real[:size], *blocks])

    def more(self, count: int) -> Iterator[Sketches]:
        """So many others, block by block."""
        return (self.block(100 + number) for number in range(count // BLOCK))


def places(
    real: Sketches, thieves: Sketches, seed: int, *, largest: bool
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """How many models come before the victim, (thieves, sizes), and chances among 100,000.

    At the largest size models are scaled as 100,000 are, and a victim that is not among those
    that agree with the thief in most signs counts as not found.
    """
    drawn = Drawn(real[1:], seed)
    found = np.zeros((len(thieves), len(SIZES)), np.int64)
    for at, size in enumerate(SIZES[:-1]):
        sketches = drawn.filled(real, size)
        rows, others = indexed(sketches, np.random.default_rng(seed).permutation(size))
        mine = scaled(thieves, rows.scale) @ scaled(real[:1], rows.scale)[0]
        for i, thief in enumerate(thieves):
            there = [one.place for one in nearest(rows, thief, NEAREST)]
            found[i, at] = there.index(0) if 0 in there else NEAREST
    chances = (1 + (others[:, None] >= mine).sum(axis=0)) / (len(others) + 1)
    if not largest:
        return found, chances
    more = drawn.more(SIZES[-1] - SIZES[-2])
    victims = np.broadcast_to(real[:1], thieves.shape)
    found[:, -1] = ahead(chain([sketches], more), rows.scale, thieves, victims)
    return found, chances


def ahead(
    models: Iterable[Sketches], scale: Floats, suspects: Sketches, victims: Sketches
) -> NDArray[np.int64]:
    """How many models come before each suspect's victim; ten if its signs are not looked at.

    What `nearest` would find, for many suspects at a time.
    """
    own, theirs = scaled(suspects, scale), scaled(victims, scale)
    signs = np.sign(own)
    mine = np.einsum("ij,ij->i", own, theirs) + ROUNDING
    alike = np.einsum("ij,ij->i", signs, np.sign(theirs))
    nearer, agreeing = (np.zeros(len(suspects), np.int64) for _ in range(2))
    for block in models:
        for start in range(0, len(block), PART):
            part = scaled(block[start : start + PART], scale)
            nearer += (part @ own.T > mine).sum(axis=0)
            agreeing += (np.sign(part) @ signs.T > alike).sum(axis=0)
    return np.where(agreeing < FIRST, np.minimum(nearer, NEAREST), NEAREST)


def alikeness(file: Path, n: int, seed: int) -> list[str]:
    """How near honest models come to each other, real ones and drawn ones: a table's row.

    One half of the real ones tells how others are drawn and scaled, the other half is compared.
    """
    recorded = read_answers(file)
    population = Population.of(recorded)
    probes = "natural" if len(recorded.labels("natural")) >= n else "jpeg25"
    honest = [*population.references, *population.independents]
    sketches = np.stack([sketch(recorded.outputs(one, probes).first(n)) for one in honest])
    told, left = np.array_split(np.random.default_rng(seed).permutation(len(honest)), 2)
    scale = scale_of(sketches[told], np.arange(len(told)))
    row = [file.stem, str(len(left))]
    for some in (sketches[left], Drawn(sketches[told], seed).block(0, len(left))):
        rows = scaled(some, scale)
        cosines = rows @ rows.T
        np.fill_diagonal(cosines, -1)
        row.append(f"{np.median(cosines.max(axis=0)):.2f}")
    return row


def kept(file: Path, n: int, seed: int, *, largest: bool, folder: Path) -> list[Hit]:
    """The same as `hits`, from a file where it is there."""
    there = folder / f"{file.stem}-{n}-{seed}.json"
    if not there.exists():
        found = list(hits(file, n, seed, largest=largest))
        folder.mkdir(parents=True, exist_ok=True)
        there.write_text(json.dumps(found))
    return [Hit(*one) for one in json.loads(there.read_text())]


def section(folder: Path, seed: int, keep: Path, names: Sequence[str]) -> str:
    """Recall by kind, by attack and by zoo; what is kept of a zoo is not counted again."""
    zoos = [folder / f"{zoo}.answers" for zoo in names]
    full = [hit for zoo in zoos for hit in kept(zoo, 200, seed, largest=True, folder=keep)]
    few = [hit for zoo in zoos for hit in kept(zoo, 100, seed, largest=False, folder=keep)]
    head = ["thieves", "n", *(f"{size:,}" for size in SIZES), "nearer than models to models"]
    kinds = sorted({hit.kind for hit in full}, key=lambda k: (k == WEAK, k))
    parts = [
        f"{len(full)} thieves of {len(zoos)} zoos. The registry holds the victim, all independent"
        " models of its zoo (60 to 103), and so many more that are drawn from a normal distribution"
        " with these models' mean and covariance (Ledoit and Wolf; seed"
        f" {seed}): real registries may hold models that are more alike. Recall: the share of"
        " thieves whose victim is among the nearest ten. *Another label set*: a copy with a new"
        " last layer, which was trained on other classes. *Not kept*: less accurate than the least"
        " accurate honest model. *Labels only*: the thief tells no more, and is searched by labels."
        " Last column:"
        " the share whose victim is among the ten of a million and nearer to the thief than all but"
        f" one in 200 of 499 models are to any other of {SIZES[-2]:,}, so that the first way to a"
        " verdict is open at alpha = 0.01.",
        "### Recall at 10, task set of 200 images",
        grid(head, [_row(one, [hit for hit in full if hit.kind == one]) for one in kinds]),
        "Intervals at a million (Clopper-Pearson, 95%, over thieves): "
        + "; ".join(_interval(one, [hit for hit in full if hit.kind == one]) for one in kinds)
        + ".",
        "Are drawn models as alike as real ones? One half of a zoo's independent models tells how"
        " others are drawn and scaled; beside it the median cosine of a model of the other half"
        " with the nearest one there, and of as many drawn ones. Where real ones are nearer to each"
        " other, a real registry is harder to search than the columns from 1,000 on; in the column"
        " of 100 most models are real.",
        grid(["zoo", "models", "real", "drawn"], [alikeness(zoo, 200, seed) for zoo in zoos]),
        "### Task set of 100 images",
        grid(
            head[:-2],
            [_row(one, [hit for hit in few if hit.kind == one])[:-2] for one in kinds],
        ),
        "### By attack, 200 images, thieves that are kept",
        grid(
            head,
            [
                _row(one, [hit for hit in full if hit.attack == one and hit.kind != WEAK])
                for one in sorted({hit.attack for hit in full if hit.kind != WEAK})
            ],
        ),
        "### By zoo, 200 images",
        grid(
            head,
            [
                _row(f"{zoo.stem}: {one}", found)
                for zoo in zoos
                for one in kinds
                if one != WEAK
                and (found := [hit for hit in full if (hit.zoo, hit.kind) == (zoo.stem, one)])
            ],
        ),
    ]
    return "\n\n".join(parts)


def _row(name: str, found: list[Hit]) -> list[str]:
    shares = np.mean([[one < NEAREST for one in hit.before] for hit in found], axis=0)
    near = np.mean([hit.chance <= 0.005 and hit.before[-1] < NEAREST for hit in found])
    return [name, str(len(found)), *(f"{share:.2f}" for share in shares), f"{near:.2f}"]


def _interval(name: str, found: list[Hit]) -> str:
    right = sum(hit.before[-1] < NEAREST for hit in found)
    low, high = interval(right, len(found))
    return f"{name} {low:.2f} to {high:.2f}"
