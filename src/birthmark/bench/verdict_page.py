"""Who is accused, and when: innocents by kind and thieves by attack, as a page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from joblib import Parallel, delayed

from birthmark.bench.accused import Setting, Verdict, verdicts
from birthmark.bench.markdown import grid
from birthmark.bench.population import VICTIM, other_victims
from birthmark.calibration import interval
from birthmark.data.images import Progress, silent
from birthmark.zoo.answers import read_answers

RATES = (0.05, 0.01, 0.001)
MOST_ROWS = 25


class Measured(NamedTuple):
    """All verdicts around one victim of a zoo."""

    zoo: str
    victim: str
    verdicts: list[Verdict]

    @property
    def title(self) -> str:
        """The zoo, and its victim if it has several."""
        return self.zoo if self.victim == VICTIM else f"{self.zoo}, {self.victim.split('/')[0]}"


def measured(
    files: Sequence[Path], setting: Setting, workers: int = 1, progress: Progress = silent
) -> list[Measured]:
    """Judge everybody around every victim of these zoos.

    Parameters
    ----------
    files
        .answers files.
    setting
        How.
    workers
        Processes.
    progress
        Told how many victims are done.

    Raises
    ------
    BirthmarkError
        If a file is unreadable.
    """
    jobs = [(f, v) for f in files for v in (VICTIM, *other_victims(read_answers(f)))]
    parallel = Parallel(n_jobs=workers, return_as="generator")
    found = []
    for one in parallel(delayed(_measured)(*job, setting) for job in jobs):
        found.append(one)
        progress("Judging everybody", len(found), len(jobs))
    return found


def _measured(file: Path, victim: str, setting: Setting) -> Measured:
    recorded = read_answers(file)
    zoo = recorded.manifest.plan.name
    return Measured(zoo, victim, list(verdicts(recorded, victim, setting)))


def _share(some: Sequence[Verdict], says: Callable[[Verdict], bool]) -> str:
    """A mean over draws and models, with a 95% Clopper-Pearson interval over the models."""
    if not some:
        return "-"
    models = len({one.model for one in some})
    value = float(np.mean([says(one) for one in some]))
    low, high = interval(value * models, models)
    return f"{value:.3f} ({low:.2f} to {high:.2f})" if value else f"0 (to {high:.2f})"


def _plain(some: Sequence[Verdict], says: Callable[[Verdict], bool]) -> str:
    """A mean alone."""
    return f"{np.mean([says(one) for one in some]):.2f}" if some else "-"


def _derived(one: Verdict) -> bool:
    """Called derived."""
    return one.derived


def _below(rate: float) -> Callable[[Verdict], bool]:
    """Has so small a p-value."""
    return lambda one: one.p_value <= rate


def _by_design(
    some: Sequence[Measured], setting: Setting, *, thieves: bool, cell: Callable[..., str] = _share
) -> str:
    """A row a zoo and group, a column a design."""
    rows = []
    for one in some:
        judged = [v for v in one.verdicts if v.thief == thieves]
        for group in dict.fromkeys(v.group for v in judged):
            of = [v for v in judged if v.group == group]
            cells = [cell([v for v in of if v.design == d.name], _derived) for d in setting.designs]
            rows.append([one.title, group, str(len({v.model for v in of})), *cells])
    return grid(("zoo", "group", "models", *(d.name for d in setting.designs)), rows)


def _summed(some: Sequence[Measured], setting: Setting) -> str:
    """Innocents of all zoos together: how often each rate is kept, and what the parts do."""
    innocents = [
        v._replace(model=f"{one.title} {v.model}")
        for one in some
        for v in one.verdicts
        if not v.thief
    ]
    rows = []
    for design in setting.designs:
        of = [v for v in innocents if v.design == design.name]
        if not of:
            continue
        references = f"{np.mean([v.references for v in of]):.0f}"
        ranked = [v for v in of if v.references >= 1 / RATES[0] - 1]
        rows.append(
            [
                design.name,
                references,
                str(len({v.model for v in of})),
                *(_share(of, _below(rate)) for rate in RATES),
                _share(of, lambda v: v.strange),
                _share(of, _derived),
                _share(ranked, lambda v: v.rank <= RATES[0]),
            ]
        )
    heads = (
        "references",
        "how many, mean",
        "innocents",
        *(f"p <= {rate:g}" for rate in RATES),
        "stopped by the check",
        "called derived",
        "rank <= 0.05",
    )
    return grid(heads, rows)


def _worst(some: Sequence[Measured], setting: Setting) -> str:
    """The kinds of innocents that are accused, or whose p is small, most often."""
    found = []
    for one in some:
        for group in dict.fromkeys(v.group for v in one.verdicts if not v.thief):
            for design in setting.designs:
                of = [v for v in one.verdicts if (v.group, v.design) == (group, design.name)]
                if of:
                    found.append((one.title, group, design.name, of))

    def weight(entry: tuple[str, str, str, list[Verdict]]) -> tuple[float, float]:
        of = entry[3]
        return float(np.mean([v.derived for v in of])), float(
            np.mean([v.p_value < 0.01 for v in of])
        )

    found.sort(key=weight, reverse=True)
    rows = [
        [
            title,
            group,
            design,
            str(len({v.model for v in of})),
            _share(of, _derived),
            _plain(of, _below(0.01)),
            _plain(of, lambda v: v.strange),
            _plain(of, lambda v: v.controlled),
        ]
        for title, group, design, of in found
        if weight((title, group, design, of)) > (0, 0)
    ]
    heads = (
        "zoo",
        "innocents",
        "references",
        "models",
        "called derived",
        "p <= 0.01",
        "stopped by the check",
        "by the controls",
    )
    return grid(heads, rows[:MOST_ROWS]) if rows else "Nobody."


def page(some: Sequence[Measured], setting: Setting, made: str) -> str:
    """The whole page; `made` says by which command, where and how long."""
    parts = [
        "# Who is accused, and when",
        "Every innocent and every thief of every population is judged as `birthmark audit` does:"
        f" closer than every reference, p <= {setting.alpha:.0%} for an innocent of an unseen"
        " lineage and of the victim's own, the population check and the controls."
        f" {setting.n} `{setting.probes}` probes drawn {setting.probe_draws} times, references of"
        f" each design drawn {setting.reference_draws} times, score `{setting.score}`, seed"
        f" {setting.seed}. Thieves are those that are as accurate as honest training makes a model."
        " Intervals are 95%, Clopper-Pearson, over models.",
        "How references are drawn:",
        "\n".join(f"- *{design.name}*: {design.about}." for design in setting.designs),
        "## Who is accused most",
        _worst(some, setting),
        "## Innocents of all populations together",
        "The last column is the older rule, a rank of at most 5%, where there are 19 references or"
        " more.",
        _summed(some, setting),
        "## Innocents called derived, by kind",
        _by_design(some, setting, thieves=False),
        "## Thieves called derived, by attack",
        _by_design(some, setting, thieves=True, cell=_plain),
        made,
    ]
    return "\n\n".join(parts) + "\n"
