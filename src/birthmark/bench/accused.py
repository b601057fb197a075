"""Who would be called derived, by the rule of `birthmark audit`: innocents by kind, and thieves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from birthmark.audit.controls import controls
from birthmark.bench.designs import DESIGNS, Design, Known
from birthmark.bench.draws import draws
from birthmark.bench.population import Population
from birthmark.calibration import called, conformal_p, decisive, predictions
from birthmark.calibration.population import Matrix, fit
from birthmark.data.forms import Form, form_of
from birthmark.data.outputs import Kind, Outputs
from birthmark.enrolment.population import among
from birthmark.scores import SCORES, Pools
from birthmark.zoo.answers import Recorded

PROBES, SCORE = "jpeg25", "partial0.03"
ALPHA = 0.01
PROBE_DRAWS, REFERENCE_DRAWS = 3, 3


class Verdict(NamedTuple):
    """What became of a suspect with one draw of references and probes.

    Attributes
    ----------
    group, model, design
        Which suspect, and how references were drawn.
    thief
        Whether it is one.
    p_value
        The decisive one.
    references
        How many there were.
    rank
        Its p by rank.
    strange
        Whether the population check stops it.
    controlled
        Whether the controls forbid what the p-value allows.
    derived
        Whether it is called derived.
    """

    group: str
    model: str
    design: str
    thief: bool
    p_value: float
    references: int
    rank: float
    strange: bool
    controlled: bool
    derived: bool


@dataclass(frozen=True)
class Setting:
    """How verdicts are drawn.

    Attributes
    ----------
    n
        Probes.
    alpha
        The false-positive rate.
    probes, score
        The method's halves.
    probe_draws, reference_draws
        How often probes are drawn, and references of each design.
    designs
        How references are drawn.
    seed
        Of all draws.
    """

    n: int = 100
    alpha: float = ALPHA
    probes: str = PROBES
    score: str = SCORE
    probe_draws: int = PROBE_DRAWS
    reference_draws: int = REFERENCE_DRAWS
    designs: Sequence[Design] = DESIGNS
    seed: int = 0


def verdicts(
    recorded: Recorded, victim: str = "victim", setting: Setting | None = None
) -> Iterator[Verdict]:
    """Judge every innocent, and every thief that keeps accuracy, as an audit would.

    Thieves with another label set are left out. References of a design that leaves out the victim's
    start are declared as the owner would declare them.

    Parameters
    ----------
    recorded
        A zoo's answers.
    victim
        One of its victims.
    setting
        How; the defaults if not given.
    """
    setting = setting or Setting()
    population = Population.of(recorded, victim)
    total = len(recorded.labels(setting.probes))
    for places in draws(total, setting.n, 1, setting.probe_draws, setting.seed):
        asked = _Asked(recorded, population, setting, places)
        for group, names in suspects(recorded, population).items():
            for name in names:
                yield from asked.judged(group, name)


def suspects(recorded: Recorded, population: Population) -> dict[str, list[str]]:
    """Models in question by group: innocents first, then thieves that keep accuracy."""
    groups: dict[str, list[str]] = {}
    for name in population.independents:
        groups.setdefault(recorded.record(name).group, []).append(name)
    for attack in population.attacks:
        kept = [m for m, keeps in zip(attack.thieves, attack.kept, strict=True) if keeps]
        if kept and not attack.new_head:
            groups[attack.name] = kept
    return groups


class _Alike(NamedTuple):
    """Everybody's answers in one form, and how they correlate.

    Attributes
    ----------
    at
        Place of each model.
    outputs
        Their answers.
    frame
        The victim's.
    numbers
        Scores of some of them in one pool.
    matrix
        Correlations of their answers, (models, models).
    """

    at: Mapping[str, int]
    outputs: Sequence[Outputs]
    frame: Outputs
    numbers: Pools
    matrix: Matrix


class _Asked:
    """A draw of probes, put to all models around a victim."""

    def __init__(
        self,
        recorded: Recorded,
        population: Population,
        setting: Setting,
        places: NDArray[np.int64],
    ) -> None:
        self.recorded, self.population, self.setting = recorded, population, setting
        self.places = list(places)
        self.score = SCORES.make(setting.score)
        self.groups = {n: recorded.record(n).group for n in population.independents}
        self.thieves = {
            name: self._how(name) for attack in population.attacks for name in attack.thieves
        }
        self._alike: dict[tuple[Kind, Form], _Alike] = {}

    def _said(self, name: str) -> Outputs:
        return self.recorded.outputs(name, self.setting.probes).at(self.places)

    def _how(self, name: str) -> tuple[Kind, Form]:
        said = self._said(name)
        return said.kind, form_of(said)

    def alike(self, how: tuple[Kind, Form]) -> _Alike:
        """Everybody that can be compared in a form: who tells less than that can't."""
        if how not in self._alike:
            kind, form = how
            names = [*self.population.references, *self.population.independents]
            names += [name for name, other in self.thieves.items() if other == how]
            outputs = [form.of(self._said(name).to(kind)) for name in names]
            frame = form.of(self._said(self.population.victim).to(kind))
            self._alike[how] = _Alike(
                {name: i for i, name in enumerate(names)},
                outputs,
                frame,
                self.score.pools(frame, outputs),
                among(self.score, frame, outputs),
            )
        return self._alike[how]

    def judged(self, group: str, name: str) -> Iterator[Verdict]:
        """A suspect's verdict by every draw of every design."""
        thief = name in self.thieves
        alike = self.alike(self.thieves[name] if thief else self._how(name))
        groups = self.groups | {name: group}
        for i, design in enumerate(self.setting.designs):
            seen: set[tuple[str, ...]] = set()
            for draw in range(self.setting.reference_draws):
                rng = np.random.default_rng((self.setting.seed, i, draw))
                known = Known(self.population, name, groups, rng)
                chosen = design.choose(known)
                if not chosen or tuple(sorted(chosen)) in seen:
                    continue
                seen.add(tuple(sorted(chosen)))
                yield self._verdict(alike, group, name, design, chosen, design.declared(known))

    def _verdict(
        self,
        alike: _Alike,
        group: str,
        name: str,
        design: Design,
        chosen: Sequence[str],
        declared: str,
    ) -> Verdict:
        places = [alike.at[name], *(alike.at[one] for one in chosen)]
        own, *others = alike.numbers(places)
        lineages = [self.population.lineages[one] for one in chosen]
        worst = decisive(predictions(own, others, lineages, declared))
        close = called(own, others, lineages, declared, self.setting.alpha)
        stood = fit(alike.matrix[np.ix_(places, places)], lineages)
        strange = stood is not None and not stood.fits
        suspect, *pool = (alike.outputs[i] for i in places)
        passed = (
            not close
            or controls(self.score, alike.frame, suspect, pool, self.setting.alpha, lineages).passed
        )
        return Verdict(
            group=group,
            model=name,
            design=design.name,
            thief=name in self.thieves,
            p_value=1.0 if worst is None else worst.p_value,
            references=len(chosen),
            rank=conformal_p(own, others),
            strange=strange,
            controlled=not passed,
            derived=close and passed and not strange,
        )
