"""How often an innocent that is looked up is accused by one of its nearest ten."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from birthmark.bench.accused import PROBES, SCORE, kind_of, suspects
from birthmark.bench.markdown import grid
from birthmark.bench.population import Population
from birthmark.calibration import decisive, interval, predictions
from birthmark.common.digests import sha256
from birthmark.data.forms import form_of
from birthmark.data.outputs import Kind, Outputs
from birthmark.registry.index import indexed
from birthmark.registry.search import Rows, nearest
from birthmark.registry.sketch import sketch
from birthmark.scores import SCORES
from birthmark.zoo.answers import Recorded, read_answers

ZOOS = "diverse", "emotion", "objects", "pretrained"
ASKED, TASK = 100, 100
NEAREST = 10
TWO_WAYS = 0.12, 0.2
DIVISORS = 1, 10, 100, 10_000, 1_000_000
HEAD_RATE = (
    *("zoo", "alpha", "suspects", "N", "nearest, p <= alpha", "ten, p <= alpha"),
    *("ten, p <= alpha / 10", "ten, p <= alpha / N"),
)


class Looked(NamedTuple):
    """A suspect and its p-values by every protected model, 1 where a reference is as close.

    Attributes
    ----------
    zoo, kind, group
        Which, `innocent`, `copy` or `extraction`, and its group in the zoo.
    p_values
        (models,).
    order
        The models, the nearest first; those that it descends from, and that descend from it or
        from the same model, are left out of an innocent's.
    near
        How near it comes to the nearest of the victim and the references, as a rank among these.
    references
        Their places.
    """

    zoo: str
    kind: str
    group: str
    p_values: NDArray[np.float64]
    order: list[int]
    near: NDArray[np.float64]
    references: list[int]

    def accused(self, level: float, k: int) -> bool:
        """Whether one of the nearest k is called derived at this level."""
        return bool((self.p_values[self.order[:k]] <= level).any())

    def found(self, level: float) -> bool:
        """Whether the victim is among the nearest ten, and called at this level."""
        return 0 in self.order[:NEAREST] and bool(self.p_values[0] <= level)

    def first_way(self, alpha: float) -> bool:
        """Whether the victim is nearer than models to models, and p by its fingerprint small."""
        return bool(self.near[0] <= alpha / 2 and self.p_values[0] <= alpha)

    def by_two(self, alpha: float, models: int) -> bool:
        """Whether it is called by one of the two ways, by one of the nearest ten references."""
        ten = [place for place in self.order if place in self.references][:NEAREST]
        near = (self.near[ten] <= alpha / 2) & (self.p_values[ten] <= alpha)
        return bool((near | (self.p_values[ten] <= alpha / 2 / models)).any())


def looked_up(file: Path) -> Iterator[Looked]:
    """Innocents among all other independent models, thieves among these and their victim.

    The task set is the first 100 plain images; fingerprints ask about 100 others as JPEG. Protected
    models have the zoo's references, less themselves.
    """
    recorded = read_answers(file)
    population = Population.of(recorded)
    protected = [population.victim, *population.references, *population.independents]
    stolen = [
        name
        for group, names in suspects(recorded, population).items()
        for name in names
        if name not in population.independents
        and recorded.outputs(name, PROBES).kind is Kind.LOGITS
        and not form_of(recorded.outputs(name, PROBES))
    ]
    asked = [*population.independents, *stolen]
    drawn = {
        name: sketch(recorded.outputs(name, "natural").first(TASK))
        for name in dict.fromkeys([*protected, *asked])
    }

    def held(names: Sequence[str]) -> tuple[Rows, NDArray[np.float32]]:
        order = sorted(range(len(names)), key=lambda i: sha256(names[i].encode()))
        return indexed(np.stack([drawn[one] for one in names]), np.array(order))

    rows, _ = held(protected)
    few = [0, *range(1, 1 + len(population.references))]
    some, others = held([protected[i] for i in few])
    table = np.stack([_by_one(recorded, population, one, asked) for one in protected], axis=1)
    for name, p_values in zip(asked, table, strict=True):
        innocent = name in population.independents
        order = [one.place for one in nearest(rows, drawn[name], len(protected))]
        family = _family(recorded, name)
        barred = {
            i for i, one in enumerate(protected) if innocent and family & _family(recorded, one)
        }
        near = np.ones(len(protected))
        for one in nearest(some, drawn[name], len(few)):
            near[one.place] = (1 + (others >= one.cosine).sum()) / (len(others) + 1)
        yield Looked(
            file.stem,
            "innocent" if innocent else kind_of(recorded, name),
            recorded.record(name).group,
            p_values,
            [place for place in order if place not in barred],
            near,
            few,
        )


def _family(recorded: Recorded, name: str) -> set[str]:
    """A model and all that it descends from, but public checkpoints."""
    parent = recorded.record(name).parent
    return {name} | (set() if parent is None else _family(recorded, parent))


def _by_one(
    recorded: Recorded, population: Population, victim: str, asked: Sequence[str]
) -> NDArray[np.float64]:
    """The p-value of each suspect by one protected model's fingerprint."""
    places = list(range(len(recorded.labels(PROBES)) - ASKED, len(recorded.labels(PROBES))))

    def said(name: str) -> Outputs:
        return recorded.outputs(name, PROBES).at(places)

    references = [one for one in population.references if one != victim]
    lineages = [population.lineages[one] for one in references]
    models = [*references, *asked]
    pools = SCORES.make(SCORE).pools(said(victim), [said(one) for one in models])
    found = []
    for i in range(len(references), len(models)):
        own, *others = pools([i, *range(len(references))])
        worst = decisive(predictions(own, others, lineages, population.lineages[victim]))
        close = own < min(others) and worst is not None and models[i] != victim
        found.append(worst.p_value if close and worst is not None else 1.0)
    return np.array(found)


def section(folder: Path) -> str:
    """How often innocents are accused, and what thieves are still found."""
    found = [one for zoo in ZOOS for one in looked_up(folder / f"{zoo}.answers")]
    innocents = [one for one in found if one.kind == "innocent"]
    lines = []
    for zoo in (*ZOOS, "all"):
        some = [one for one in innocents if zoo in (one.zoo, "all")]
        for alpha in (0.01, 0.05):
            counts = [
                sum(one.accused(level, k) for one in some)
                for level, k in ((alpha, 1), (alpha, NEAREST), (alpha / NEAREST, NEAREST))
            ]
            counts.append(sum(one.accused(alpha / len(one.order), NEAREST) for one in some))
            lines.append(
                [
                    zoo,
                    f"{alpha:g}",
                    str(len(some)),
                    str(len(some[0].order)) if zoo != "all" else "",
                    *(_share(count, len(some)) for count in counts),
                ]
            )
    left = Counter(one.group for one in innocents if one.accused(0.01 / len(one.order), NEAREST))
    two = []
    for zoo in (*ZOOS, "all"):
        some = [one for one in innocents if zoo in (one.zoo, "all")]
        line = [zoo, str(len(some))]
        for alpha in TWO_WAYS:
            called = sum(one.by_two(alpha, len(one.references)) for one in some)
            line.append(_share(called, len(some)))
        for kind in ("copy", "extraction"):
            stolen = [one for one in found if one.kind == kind and zoo in (one.zoo, "all")]
            line.append(f"{np.mean([one.first_way(TWO_WAYS[0]) for one in stolen]):.2f}")
        two.append(line)
    alone = np.concatenate([one.p_values[one.order] for one in innocents])
    thieves = [
        [
            kind,
            str(len(some)),
            f"{np.mean([0 in one.order[:NEAREST] for one in some]):.2f}",
            *(
                f"{np.mean([one.found(level) for one in some]):.2f}"
                for level in (0.01 / by for by in DIVISORS)
            ),
        ]
        for kind in ("copy", "extraction")
        if (some := [one for one in found if one.kind == kind])
    ]
    return "\n\n".join(
        [
            "Every independent model of a zoo is protected, with the zoo's references; so is the"
            " victim. Suspects are independent models, each looked up among all others (N), and"
            f" audited by the rule of `birthmark audit` ({SCORE} on {ASKED} JPEG images that are"
            f" none of the task set's {TASK}), but without the checks that can only clear: so these"
            " rates are at their largest. *Accused*: called derived by at least one of those asked."
            " In brackets the interval over suspects (Clopper-Pearson, 95%); suspects of one zoo"
            " share its references.",
            grid(
                HEAD_RATE,
                lines,
            ),
            "Accused at 0.01 / N are of the groups "
            + ", ".join(f"{name} ({count})" for name, count in left.items())
            + ". Of `innocent-same-start-head` only the last layer was trained, on one public"
            " checkpoint: such models are near-copies of each other, and the references have none"
            " such, so that p itself is wrong and no divisor mends it.",
            f"By all pairs, near or not, an innocent has p <= 0.01 in {np.mean(alone <= 0.01):.2%}"
            f" and p <= 0.001 in {np.mean(alone <= 0.001):.2%} of {len(alone):,} audits.",
            "The two ways together, tried where suspects are *not* more of the same: the registry"
            " holds the victim and the references only (32 to 44), suspects are the other"
            " independent models, of which many are made otherwise. Called: nearer to a model than"
            " alpha / 2 of half of these are to any other and p <= alpha by its fingerprint, or p"
            " <= alpha / 2 / N. So few models allow no smaller alpha than these. The last columns:"
            f" thieves for which the first way is open, alpha = {TWO_WAYS[0]:g}.",
            grid(
                [
                    *("zoo", "innocents", *(f"accused, alpha = {one:g}" for one in TWO_WAYS)),
                    *("copies called", "extractions called"),
                ],
                two,
            ),
            "What is left of thieves (that tell logits, and are as accurate as honest models) where"
            " the victim has to be among the nearest ten *and* p at most:",
            grid(
                ["thieves", "n", "among ten", *(f"0.01 / {by:,}" for by in DIVISORS)],
                thieves,
            ),
        ]
    )


def _share(count: int, of: int) -> str:
    low, high = interval(count, of)
    return f"{count / of:.3f} ({low:.3f} to {high:.3f})"
