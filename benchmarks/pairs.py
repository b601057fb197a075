"""What an audit of a face service finds, by what the service tells and how many pairs are asked.

python benchmarks/pairs.py --write benchmarks/pairs.md
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from birthmark import __version__
from birthmark.audit.pairs import PairPlan
from birthmark.bench.draws import draws, taken
from birthmark.bench.judge import Judge
from birthmark.bench.markdown import grid, held
from birthmark.calibration import conformal_p
from birthmark.data.forms import Form, form_of, matched
from birthmark.data.outputs import Kind, Outputs
from birthmark.scores import SCORES
from birthmark.scores.correlation import similarities
from birthmark.scores.methods import method
from birthmark.zoo.answers import read_answers

PROBES = "jpeg25"
SCORE = "fri{}-centred-partial0.03"
ALPHA = 0.05
REFERENCES = (2, 5, 10, 20, 40)
PROBES_ASKED = 100
CALLS = (500, 1000, 2000)


def rounded(outputs: Outputs, digits: int) -> Outputs:
    """Similarities with so many digits after the point."""
    return Outputs(
        np.round(outputs.values, digits).astype(np.float32), outputs.kind, outputs.classes
    )


TOLD: dict[str, Callable[[Outputs], Outputs]] = {
    "similarities": lambda o: o,
    "2 digits": lambda o: rounded(o, 2),
    "1 digit": lambda o: rounded(o, 1),
    "match, 10%": lambda o: matched(o, 0.1),
    "match, 1%": lambda o: matched(o, 0.01),
}
"""What a service makes of the cosine of two embeddings."""
QUICK = ("similarities", "match, 10%", "match, 1%")


class Rate(NamedTuple):
    """Shares of suspects with p <= alpha, means over draws."""

    thieves: float
    innocents: float


class World(NamedTuple):
    """Models' embeddings of all recorded probes."""

    victim: Outputs
    references: list[Outputs]
    thieves: list[Outputs]
    innocents: list[Outputs]

    @classmethod
    def of(cls, file: Path) -> World:
        """Of the thieves those that keep accuracy and answer with embeddings."""
        judge = Judge(read_answers(file), method(f"{SCORE.format(20)}@{PROBES}"), "pairs")
        population = judge.population
        kept = [
            name
            for attack in population.attacks
            for name, keeps in zip(attack.thieves, attack.kept, strict=True)
            if keeps and judge.answers(name).kind is Kind.EMBEDDINGS
        ]
        return cls(
            judge.answers(population.victim),
            [judge.answers(name) for name in population.references],
            [judge.answers(name) for name in kept],
            [judge.answers(name) for name in population.independents],
        )

    def rate(self, probes: int, references: int, told: str, count: int, seed: int) -> Rate:
        """Detection and false accusations of one plan."""
        score = SCORES.make(SCORE.format(references))
        tell = TOLD[told]
        found: list[list[float]] = [[], []]
        for places in draws(len(self.victim), probes, 1, count, seed):
            order = np.random.default_rng((seed, len(found[0]))).permutation(places)

            def relative(outputs: Outputs, order: NDArray[np.int64] = order) -> Outputs:
                return similarities(taken(outputs, order), references)

            victim, others = relative(self.victim), [relative(one) for one in self.references]
            for calls, suspects in zip(found, (self.thieves, self.innocents), strict=True):
                alike: dict[Form, list[Outputs]] = {}
                for one in suspects:
                    answers = tell(relative(one))
                    alike.setdefault(form_of(answers), []).append(answers)
                for form, some in alike.items():
                    models = [form.of(one) for one in (*others, *some)]
                    pools = score.pools(form.of(victim), models)
                    for i in range(len(others), len(models)):
                        own, *rest = pools([i, *range(len(others))])
                        calls.append(conformal_p(own, rest) <= ALPHA)
        return Rate(float(np.mean(found[0])), float(np.mean(found[1])))

    def row(self, plan: tuple[int, int], told: Sequence[str], count: int, seed: int) -> list[str]:
        """A line of a table."""
        probes, references = plan
        rates = [self.rate(probes, references, one, count, seed) for one in told]
        return [
            str(references),
            str(probes),
            f"{PairPlan(probes, references).pairs:,}",
            held(rates[0].thieves, len(self.thieves)),
            *(f"{one.thieves:.2f}" for one in rates[1:]),
            f"{max(one.innocents for one in rates):.2f}",
        ]


def of_calls(calls: int, recorded: int) -> Iterator[tuple[int, int]]:
    """Probes and reference images that about so many pairs are enough for."""
    for references in REFERENCES:
        probes = calls // references + references
        if references + 10 <= probes <= recorded:
            yield probes, references


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", type=Path, default=Path("benchmarks/answers/faces.answers"))
    parser.add_argument("--draws", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", type=Path, required=True)
    args = parser.parse_args()
    began = time.perf_counter()
    world = World.of(args.answers)
    head = ["M", "probes", "pairs", *TOLD, "innocents, most"]
    short = [one for one in head if one not in TOLD or one in QUICK]
    parts = [
        "# Pairs of images asked of a face service",
        "Written by `python benchmarks/pairs.py --write benchmarks/pairs.md`"
        f" (birthmark {__version__}, python {platform.python_version()}, numpy {np.__version__},"
        f" {platform.system()} {platform.machine()}); {args.draws} draws of probes, seed"
        f" {args.seed}, on the recorded answers of `{args.answers.name}`.",
        f"Share of {len(world.thieves)} thieves that keep accuracy with p <= {ALPHA:g} among"
        f" {len(world.references)} reference models, method `{SCORE.format('M')}@{PROBES}`, if the"
        " service tells cosines, cosines rounded to so many digits, or only which pairs match, at"
        " a threshold that so many percent of its pairs are above. M: reference images. In"
        " brackets Clopper-Pearson, 95%, over thieves; all are of one victim, so it is narrower"
        f" than it should be. *Innocents, most*: the share of {len(world.innocents)} independent"
        " models with such a p, of the forms in the row the one with most. For embeddings the"
        " same audit takes as many calls as probes.",
        f"## {PROBES_ASKED} probes",
        grid(
            head,
            [world.row((PROBES_ASKED, m), list(TOLD), args.draws, args.seed) for m in REFERENCES],
        ),
        "## As many calls, differently spent",
    ]
    for calls in CALLS:
        plans = of_calls(calls, len(world.victim))
        parts += [
            f"{calls:,} pairs:",
            grid(short, [world.row(plan, QUICK, args.draws, args.seed) for plan in plans]),
        ]
    parts.append(f"Computed in {time.perf_counter() - began:.0f} s by one process.")
    args.write.write_text("\n\n".join(parts) + "\n")


if __name__ == "__main__":
    main()
