"""Who would be called derived, by the rule of `birthmark audit`: innocents by kind, and thieves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from birthmark.audit.controls import controls
from birthmark.bench.designs import DESIGNS, Design, Known
from birthmark.bench.draws import draws
from birthmark.bench.population import Population
from birthmark.calibration import called, conformal_p, decisive, predictions
from birthmark.calibration.population import fit
from birthmark.data.forms import Form, form_of
from birthmark.data.outputs import Kind, Outputs, coarser
from birthmark.enrolment.population import among
from birthmark.scores import SCORES, Pools
from birthmark.scores.methods import common_kind
from birthmark.zoo.answers import Recorded
from birthmark.zoo.models.record import Record

PROBES, SCORE = "jpeg25", "partial0.03"
ALPHA = 0.01
INNOCENT, COPY, EXTRACTION = "innocent", "copy", "extraction"
LEARNT = ("extracted-", "knockoff", "cloud-leak", "data-free")
PROBE_DRAWS, REFERENCE_DRAWS = 3, 3


class Verdict(NamedTuple):
    """What became of a suspect with one draw of references and probes.

    Attributes
    ----------
    group, model, design
        Which suspect, and how references were drawn.
    thief
        Whether it is one.
    kind
        `innocent`, `copy` or `extraction`.
    p_value, deviations
        The decisive ones.
    nearness
        Its score over the references' mean.
    reach
        The largest nearness that could be called derived: the line over that mean.
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
    kind: str
    p_value: float
    deviations: float
    nearness: float
    reach: float
    references: int
    rank: float
    strange: bool
    controlled: bool
    derived: bool


Choose = Callable[[NDArray[np.int64]], NDArray[np.int64]]


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
    controls
        Whether those that are called derived must pass the controls, which takes the longest.
    labels
        Whether all models tell no more than labels.
    innocents
        Whether innocents are judged too.
    disguised
        Whether thieves that are others behind a disguise, or quantised, are judged too.
    weak
        Whether thieves that lost the accuracy of honest training are judged too.
    candidates, choose
        If given, so many are drawn, and this takes the n probes from their places.
    """

    n: int = 100
    alpha: float = ALPHA
    probes: str = PROBES
    score: str = SCORE
    probe_draws: int = PROBE_DRAWS
    reference_draws: int = REFERENCE_DRAWS
    designs: Sequence[Design] = DESIGNS
    seed: int = 0
    controls: bool = True
    labels: bool = False
    innocents: bool = True
    disguised: bool = True
    weak: bool = False
    candidates: int | None = None
    choose: Choose | None = None


def verdicts(
    recorded: Recorded, victim: str = "victim", setting: Setting | None = None
) -> Iterator[Verdict]:
    """Judge every innocent, and every thief that keeps accuracy, as an audit would.

    Thieves with another label set are left out, and whoever tells less than the score compares.
    References of a design that leaves out the victim's start are declared as the owner would
    declare them.

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
    judged = {
        name: group
        for group, names in suspects(recorded, population, weak=setting.weak).items()
        for name in names
        if (setting.innocents or name not in population.independents)
        and (setting.disguised or not same_weights(recorded.record(name)))
    }
    drawn = draws(total, setting.candidates or setting.n, 1, setting.probe_draws, setting.seed)
    for some in drawn:
        places = setting.choose(some)[: setting.n] if setting.choose else some
        for alike in _alike(recorded, population, setting, places, list(judged)):
            for name in alike.suspects:
                yield from _of_one(recorded, population, setting, alike, judged[name], name)


def suspects(
    recorded: Recorded, population: Population, *, weak: bool = False
) -> dict[str, list[str]]:
    """Models in question by group: innocents first, then thieves that keep accuracy, or all."""
    groups: dict[str, list[str]] = {}
    for name in population.independents:
        groups.setdefault(recorded.record(name).group, []).append(name)
    for attack in population.attacks:
        kept = [m for m, keeps in zip(attack.thieves, attack.kept, strict=True) if keeps or weak]
        if kept and not attack.new_head:
            groups[attack.name] = kept
    return groups


def same_weights(record: Record) -> bool:
    """Whether it is another model behind a disguise, or quantised."""
    return record.weights is None or record.recipe == "quantised"


def kind_of(recorded: Recorded, thief: str) -> str:
    """Whether a thief, or what it was made of, learnt from the victim's answers."""
    record = recorded.record(thief)
    if record.recipe.startswith(LEARNT):
        return EXTRACTION
    if record.parent is None or recorded.record(record.parent).parent is None:
        return COPY
    return kind_of(recorded, record.parent)


@dataclass(frozen=True)
class _Alike:
    """Suspects that tell as much, and everyone's answers brought to that.

    Attributes
    ----------
    suspects
        Names.
    frame
        The victim's answers.
    models
        Everyone's by name, in the order of `numbers` and of `correlations`.
    numbers
        Scores of pools.
    correlations
        Of all models' answers.
    """

    suspects: list[str]
    frame: Outputs
    models: dict[str, Outputs]
    numbers: Pools
    correlations: NDArray[np.float64]


def _alike(
    recorded: Recorded,
    population: Population,
    setting: Setting,
    places: NDArray[np.int64],
    names: Sequence[str],
) -> Iterator[_Alike]:
    score = SCORES.make(setting.score)

    def said(model: str) -> Outputs:
        found = recorded.outputs(model, setting.probes).at(list(places))
        return found.to(Kind.LABELS) if setting.labels else found

    told: dict[tuple[Form, Kind, int], list[str]] = {}
    for name in names:
        own = said(name)
        told.setdefault((form_of(own), own.kind, own.classes), []).append(name)
    everyone = [*population.references, *population.independents]
    for (form, kind, _), some in told.items():
        if not set(coarser(kind)) & set(score.kinds):
            continue
        compared = common_kind([kind], score)
        frame, *others = (
            form.of(said(one).to(kind)).to(compared)
            for one in (population.victim, *dict.fromkeys([*everyone, *some]))
        )
        yield _Alike(
            suspects=some,
            frame=frame,
            models=dict(zip(dict.fromkeys([*everyone, *some]), others, strict=True)),
            numbers=score.pools(frame, others),
            correlations=among(score, frame, others),
        )


def _of_one(
    recorded: Recorded,
    population: Population,
    setting: Setting,
    alike: _Alike,
    group: str,
    name: str,
) -> Iterator[Verdict]:
    at = {model: i for i, model in enumerate(alike.models)}
    score = SCORES.make(setting.score)
    groups = {model: recorded.record(model).group for model in [*population.independents, name]}
    thief = name not in population.independents
    for i, design in enumerate(setting.designs):
        seen: set[tuple[str, ...]] = set()
        for draw in range(setting.reference_draws):
            rng = np.random.default_rng((setting.seed, i, draw))
            known = Known(population, name, groups, rng)
            chosen = design.choose(known)
            if not chosen or tuple(sorted(chosen)) in seen:
                continue
            seen.add(tuple(sorted(chosen)))
            members = [at[name], *(at[one] for one in chosen)]
            own, *others = alike.numbers(members)
            lineages = [population.lineages[one] for one in chosen]
            declared = design.declared(known)
            found = predictions(own, others, lineages, declared)
            worst = decisive(found)
            close = called(own, others, lineages, declared, setting.alpha)
            standing = fit(alike.correlations[np.ix_(members, members)], lineages)
            strange = standing is not None and not standing.fits
            suspect, *pool = (alike.models[one] for one in (name, *chosen))
            passed = (
                not close
                or not setting.controls
                or controls(score, alike.frame, suspect, pool, setting.alpha, lineages).passed
            )
            yield Verdict(
                group=group,
                model=name,
                design=design.name,
                thief=thief,
                kind=kind_of(recorded, name) if thief else INNOCENT,
                p_value=1.0 if worst is None else worst.p_value,
                deviations=0.0 if worst is None else worst.deviations,
                nearness=own / float(np.mean(others)),
                reach=min(*others, *(one.below(setting.alpha) for one in found))
                / float(np.mean(others)),
                references=len(chosen),
                rank=conformal_p(own, others),
                strange=strange,
                controlled=not passed,
                derived=close and passed and not strange,
            )
