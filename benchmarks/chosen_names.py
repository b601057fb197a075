"""Whether an accuser gains by naming lineages as it suits, and by near-copies of far references.

python -m benchmarks.chosen_names --write benchmarks/chosen_names.md
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from birthmark.audit.controls import controls
from birthmark.bench.designs import SAME_DATA
from birthmark.bench.draws import draws
from birthmark.bench.markdown import grid, held
from birthmark.bench.population import Population
from birthmark.calibration import called, decisive, predictions
from birthmark.calibration.copies import groups
from birthmark.calibration.population import fit
from birthmark.data.forms import form_of
from birthmark.data.outputs import Outputs
from birthmark.enrolment.population import among, distinct
from birthmark.scores import SCORES
from birthmark.scores.base import Score
from birthmark.zoo.answers import Recorded, read_answers

ZOOS = ("objects", "emotion", "diverse")
PROBES, SCORE, N, ALPHA = "jpeg25", "partial0.03", 100, 0.01
PROBE_DRAWS, LEAST, OWN = 10, 5, "own"
NAMES = tuple(str(i) for i in range(100))
WEIGHTS = (0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5)
"""How much of a near-copy is the model that it copies."""
Floats = NDArray[np.float64]
Naming = Callable[[Floats, NDArray[np.int64]], list[str]]
"""From references' distances and an order by chance to their names."""


def _by(order: NDArray[np.int64], name: Callable[[int], str]) -> list[str]:
    found = [""] * len(order)
    for place, i in enumerate(order):
        found[i] = name(place)
    return found


def _own_first(place: int) -> str:
    return OWN if place < LEAST else NAMES[place]


NAMINGS: dict[str, Naming] = {
    "all one": lambda far, _: [OWN] * len(far),
    "each its own, but five": lambda _, chance: _by(chance, _own_first),
    "each its own, but the five farthest": lambda far, _: _by(np.argsort(-far), _own_first),
    "alike ones together": lambda far, _: _by(
        np.argsort(-far), lambda place: OWN if place < LEAST else NAMES[place // LEAST]
    ),
    "near and far together": lambda far, _: _by(
        np.argsort(-far), lambda place: (OWN, *NAMES)[min(place % (k := len(far) // LEAST), k)]
    ),
}
"""How an accuser may name references so that five are of the victim's lineage, as the rule asks."""
TRUE, BEST = "true names", "what suits best against each suspect"
SETS = {
    "all": (1, False),
    "all, and near-copies of the farther half": (1, True),
    "the farther half": (2, False),
    "the farther half, and near-copies": (2, True),
    "the farthest quarter": (4, False),
    "the farthest quarter, and near-copies": (4, True),
}
"""Which part of the references is taken, the farthest first, and whether copies are added."""


class Row(NamedTuple):
    """An innocent by a fingerprint.

    Attributes
    ----------
    close
        Whether p <= alpha and no reference is closer.
    derived
        Whether population check and controls let that stand.
    """

    close: bool
    derived: bool


Rows = dict[tuple[str, str], dict[str, list[Row]]]


def copies(
    score: Score,
    frame: Outputs,
    references: Sequence[Outputs],
    which: Sequence[int],
    rng: np.random.Generator,
) -> list[Outputs]:
    """Near-copies of some references, as like them as may be if both are to count."""
    mixed = [references[i] for i in rng.integers(len(references), size=len(which))]
    for weight in WEIGHTS:
        made = []
        for i, other in zip(which, mixed, strict=True):
            one = references[i]
            values = (weight * one.values + (1 - weight) * other.values).astype(one.values.dtype)
            made.append(Outputs(values, one.kind, one.classes))
        both = [*references, *made]
        alone = len(groups(among(score, frame, list(references))))
        if len(groups(among(score, frame, both))) == alone + len(made):
            return made
    return []


def judged(
    score: Score,
    frame: Outputs,
    suspects: Sequence[Outputs],
    references: Sequence[Outputs],
    true: Sequence[str] | None,
    own: str,
    rng: np.random.Generator,
) -> Iterator[tuple[str, list[Row]]]:
    """Each naming, and what it makes of every suspect."""
    found = groups(among(score, frame, list(references)))
    counted = distinct(len(references), [group for group in found if len(group) > 1])
    references = [references[i] for i in counted]
    numbers = score.pools(frame, [*suspects, *references])
    places = range(len(suspects), len(suspects) + len(references))
    far = np.array(numbers([0, *places])[1:])
    chance = rng.permutation(len(references))
    namings = {name: (naming(far, chance), OWN) for name, naming in NAMINGS.items()}
    if true is not None:
        namings[TRUE] = [true[i] for i in counted], own
    pool = among(score, frame, [frame, *suspects, *references])
    of_all = [0, *(1 + i for i in places)]
    fits = {}
    for name, (named, _) in namings.items():
        standing = fit(pool[np.ix_(of_all, of_all)], named)
        fits[name] = standing is None or standing.fits
    rows: dict[str, list[Row]] = defaultdict(list)
    for i, suspect in enumerate(suspects):
        mine, *theirs = numbers([i, *places])
        chances = {}
        for name, (named, stated) in namings.items():
            worst = decisive(predictions(mine, theirs, named, stated))
            chances[name] = 1.0 if worst is None else worst.p_value
            close = called(mine, theirs, named, stated, ALPHA)
            derived = close and fits[name]
            if derived:
                members = [1 + i, *(1 + k for k in places)]
                standing = fit(pool[np.ix_(members, members)], named)
                derived = (standing is None or standing.fits) and controls(
                    score, frame, suspect, references, ALPHA, named
                ).passed
            rows[name].append(Row(close, derived))
        tried = [rows[name][-1] for name in NAMINGS]
        rows[BEST].append(Row(any(r.close for r in tried), any(r.derived for r in tried)))
    yield from rows.items()


def measured(name: str, recorded: Recorded, rows: Rows) -> int:
    """Count a zoo's innocents; how many there were."""
    population = Population.of(recorded)
    score, lineages = SCORES.make(SCORE), population.lineages
    own = lineages[population.victim]
    innocents = [m for m in population.independents if recorded.record(m).group != SAME_DATA]
    total = len(recorded.labels(PROBES))
    for draw, places in enumerate(draws(total, N, 1, PROBE_DRAWS, 0)):

        def told(model: str, places: NDArray[np.int64] = places) -> Outputs:
            return recorded.outputs(model, PROBES).at(list(places))

        rng = np.random.default_rng(draw)
        said = told(population.victim)
        form = form_of(said)
        frame = form.of(said)
        suspects = [form.of(told(one).to(said.kind)) for one in innocents]
        references = [form.of(told(one).to(said.kind)) for one in population.references]
        true = [lineages[one] for one in population.references]
        far = np.array(score.pools(frame, references)(list(range(len(references)))))
        for which, (part, more) in SETS.items():
            places = np.argsort(-far)[: len(far) // part]
            some = [references[i] for i in places]
            named: list[str] | None = [true[i] for i in places]
            if more:
                named, half = None, range(len(some) // 2 if part == 1 else len(some))
                some += copies(score, frame, some, half, rng)
            for naming, found in judged(score, frame, suspects, some, named, own, rng):
                rows[which, naming][name] += found
    return len(innocents)


def lines(rows: Rows, models: dict[str, int]) -> list[list[str]]:
    """The table's."""
    said = []
    for which in SETS:
        for naming in (TRUE, *NAMINGS, BEST):
            found = rows.get((which, naming))
            if found is None:
                continue
            shares = []
            for name, count in models.items():
                share = float(np.mean([row.derived for row in found[name]]))
                shares.append(held(share, count, 3))
            close = [row for some in found.values() for row in some if row.close]
            stopped = f"{sum(not row.derived for row in close)} of {len(close)}"
            said.append([which, naming, *shares, stopped])
    return said


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path, required=True)
    given = parser.parse_args()
    began = time.process_time()
    rows: Rows = defaultdict(lambda: defaultdict(list))
    models, columns = {}, []
    for name in ZOOS:
        recorded = read_answers(Path(__file__).parent / "answers" / f"{name}.answers")
        models[name] = measured(name, recorded, rows)
        count = len(Population.of(recorded).references)
        columns.append(f"`{name}`, {models[name]} innocents, {count} references")
        print(name, f"{time.process_time() - began:.0f} s", flush=True)
    head = HEAD.format(
        seconds=time.process_time() - began,
        machine=f"{platform.system()} {platform.machine()}, Python {platform.python_version()},"
        f" numpy {np.__version__}",
        draws=PROBE_DRAWS,
        n=N,
        alpha=ALPHA,
    )
    table = grid(["references", "names", *columns, "stopped"], lines(rows, models))
    given.write.write_text("\n".join([head, table, "", FINDINGS]))


HEAD = """# Names of lineages that suit, and near-copies

Written by `python -m benchmarks.chosen_names --write benchmarks/chosen_names.md` in
{seconds:.0f} s of CPU on {machine}.

The recorded answers of three zoos: {n} probes, {draws} draws (seed 0), `partial0.03@jpeg25`, alpha
{alpha:g}, the rule `unseen`. Innocents that learnt the victim's own images are left out
([they are a limit of their own](verdicts.md)). The accuser takes all references, or those that
are farthest from the victim, or adds near-copies: answers mixed with another reference's, as little
as makes the two count as two models. He names lineages so that five are of
the victim's, as an accusation takes: *all one*; *each its own, but five* taken by chance or the
farthest; *alike ones together*, five by distance; *near and far together*, so that lineages have
the same mean. *What suits best*: whichever of these accuses the suspect.

Numbers: share of innocents called derived: closer than every reference and than the rule predicts
of an innocent, while population check (of victim and suspect) and controls pass. *Stopped*: how
many of the close ones these two stop. Intervals: Clopper-Pearson, 95%, over innocents, of the mean
of the draws.
"""
FINDINGS = """\
- With all references there, names gain little: no reference may be closer than the suspect,
  whatever it is called, so of innocents that are like n references at most 1 in n + 1 is accused.
- Near-copies gain nothing more: a copy of a far reference is far, and takes no near one away.
- To leave out the near references gains much, with true names too. Neither the population check nor
  the controls notice it, and a fingerprint does not say what was left out. Models of the other side
  can show it (`birthmark recheck --control`), and so can references that somebody else chose.
"""


if __name__ == "__main__":
    main()
