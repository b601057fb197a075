"""Whether thieves lead to their victim among many models: sketches of recorded answers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.covariance import LedoitWolf

from birthmark.bench.accused import COPY, kind_of
from birthmark.bench.markdown import grid
from birthmark.bench.population import Population
from birthmark.calibration import interval
from birthmark.data.outputs import Kind, Outputs
from birthmark.registry.search import HEAD, ROW, Rows, nearest, nearest_others, weigh
from birthmark.registry.sketch import WIDTH, sketch
from birthmark.zoo.answers import Recorded, read_answers

SIZES = (10, 100, 1_000, 10_000, 100_000, 1_000_000)
BLOCK = 50_000
NEAREST = 10
SAMPLED = 199
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


class Sketched(NamedTuple):
    """Models of a zoo as sketches of one kind.

    Attributes
    ----------
    real
        The victim's, then the independent models', (models, 256).
    thieves
        Theirs, (thieves, 256).
    """

    real: NDArray[np.float32]
    thieves: NDArray[np.float32]


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

        def drawn(name: str, labels: bool = labels) -> NDArray[np.float32]:
            return sketch(said(name).to(Kind.LABELS) if labels else said(name))

        real = np.stack([drawn(one) for one in honest])
        stolen = np.stack([drawn(one) for one, _, _ in some])
        before, chances = places(real, stolen, seed, largest=largest)
        for (_, attack, of), counts, chance in zip(some, before.tolist(), chances, strict=True):
            shown = "labels only" if labels else of
            yield Hit(file.stem, shown, attack, counts, float(chance))


def made(real: NDArray[np.float32], count: int, seed: int) -> Iterator[NDArray[np.float32]]:
    """Models that are drawn as the independent ones are, in blocks."""
    fitted = LedoitWolf().fit(real[1:])
    factor = np.linalg.cholesky(fitted.covariance_).astype(np.float32)
    rng = np.random.default_rng(seed)
    for start in range(0, count, BLOCK):
        normal = rng.standard_normal((min(BLOCK, count - start), WIDTH), np.float32)
        yield normal @ factor.T + fitted.location_.astype(np.float32)


def places(
    real: NDArray[np.float32], thieves: NDArray[np.float32], seed: int, *, largest: bool
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """How many models come before the victim, (thieves, sizes), and chances among 100,000.

    Without the largest size, that is left 0.
    """
    found = np.zeros((len(thieves), len(SIZES)), np.int64)
    mine = np.zeros(len(thieves), np.float32)
    for at, size in enumerate(SIZES[:-1]):
        extra = max(0, size - len(real))
        rows = np.zeros(HEAD + size, ROW)
        rows["sketch"][HEAD : HEAD + min(size, len(real))] = real[:size]
        if extra:
            rows["sketch"][HEAD + len(real) :] = np.concatenate(list(made(real, extra, seed)))
        weigh(rows)
        own, mean = _weighted(thieves, rows), rows["sketch"][0]
        for start in range(0, size, BLOCK):
            part = rows[HEAD + start : HEAD + min(start + BLOCK, size)]
            cosines = (part["sketch"] - mean) @ own.T / part["length"][:, None]
            if start == 0:
                mine = cosines[0]
            found[:, at] += (cosines > mine).sum(axis=0)
    first = [[one.place for one in nearest(rows, thief, NEAREST)] for thief in thieves[:5]]
    if [0 in places for places in first] != [before < NEAREST for before in found[:5, -2]]:
        raise RuntimeError("counting and searching differ")
    others = nearest_others(rows, np.arange(len(real), len(real) + SAMPLED))
    chances = (1 + (others[:, None] >= mine).sum(axis=0)) / (SAMPLED + 1)
    if not largest:
        return np.minimum(found, NEAREST), chances
    fitted = LedoitWolf().fit(real[1:])
    factor = np.linalg.cholesky(fitted.covariance_).astype(np.float32)
    shift = fitted.location_.astype(np.float32) - mean
    scale = np.linalg.cholesky(rows["sketch"][1:HEAD].astype(np.float64)).astype(np.float32)
    own_of_normal, scale_of_normal = factor.T @ own.T, factor.T @ scale
    rng = np.random.default_rng((seed, 1))
    found[:, -1] = found[:, -2]
    for _ in range(SIZES[-2], SIZES[-1], BLOCK):
        normal = rng.standard_normal((BLOCK, WIDTH), np.float32)
        lengths = np.linalg.norm(normal @ scale_of_normal + shift @ scale, axis=1)
        cosines = (normal @ own_of_normal + shift @ own.T) / lengths[:, None]
        found[:, -1] += (cosines > mine).sum(axis=0)
    return np.minimum(found, NEAREST), chances


def _weighted(sketches: NDArray[np.float32], rows: Rows) -> NDArray[np.float32]:
    """Queries as they are compared with an index's models."""
    queries = sketches - rows["sketch"][0]
    own = queries @ rows["sketch"][1:HEAD]
    unit: NDArray[np.float32] = own / np.sqrt(np.einsum("ij,ij->i", own, queries))[:, None]
    return unit


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
        " the share whose victim is among the ten of a million and nearer to the thief than any of"
        f" {SAMPLED} drawn models is to any other of {SIZES[-2]:,}, so that the first way to a"
        " verdict is open at alpha = 0.01.",
        "### Recall at 10, task set of 200 images",
        grid(head, [_row(one, [hit for hit in full if hit.kind == one]) for one in kinds]),
        "Intervals at a million (Clopper-Pearson, 95%, over thieves): "
        + "; ".join(_interval(one, [hit for hit in full if hit.kind == one]) for one in kinds)
        + ".",
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
