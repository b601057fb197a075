"""One method against a zoo's population."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from birthmark.bench.draws import draws, taken
from birthmark.bench.measures import allowed, auc, f1, welch
from birthmark.bench.population import Attack, Population, other_victims
from birthmark.bench.table import Row, Setting
from birthmark.calibration import by_lineage, interval
from birthmark.common.errors import BirthmarkError
from birthmark.data.forms import Form, form_of
from birthmark.data.outputs import Kind, Outputs, coarser
from birthmark.probes.peculiar import Peculiar, by_peculiarity
from birthmark.scores import Pools
from birthmark.scores.methods import Method, common_kind
from birthmark.zoo.answers import Recorded


class Called(NamedTuple):
    """A model's number, whether its rank is close enough, and whether it is in every lineage."""

    number: float
    rank: bool
    verdict: bool


@dataclass(frozen=True)
class Judge:
    """A method and a zoo.

    Attributes
    ----------
    recorded
        The zoo's answers.
    method
        What is measured.
    alias
        What the tables call it.
    labels
        Whether all models say no more than labels.
    other
        Whether the zoo's other victim and its thieves are meant, as for a watermark.
    """

    recorded: Recorded
    method: Method
    alias: str
    labels: bool = False
    other: bool = False
    _outputs: dict[str, Outputs] = field(default_factory=dict)
    forms: dict[tuple[str, Kind], Form] = field(default_factory=dict)

    @cached_property
    def population(self) -> Population:
        """Who is compared with whom."""
        if not self.other:
            return Population.of(self.recorded)
        found = other_victims(self.recorded)
        if not found:
            raise BirthmarkError("this zoo", "has no other victim", "leave that out")
        return Population.of(self.recorded, found[0])

    def rows(self, setting: Setting) -> Iterator[Row]:
        """A row for each number of probes and attack; none where the method can't be applied."""
        for n in setting.sizes:
            some = self.drawn(n, setting)
            if not some:
                continue
            asked = [Asked(self, places) for places in some]
            for attack in self.population.attacks:
                measured = [one.measured(attack, setting.alpha) for one in asked]
                found = [one for one in measured if one is not None]
                if found:
                    yield self._row(attack, n, found)

    def drawn(self, n: int, setting: Setting) -> list[NDArray[np.int64]]:
        """Places of the probes of each draw; peculiar ones are chosen in each."""
        probes = self.method.probes
        if not isinstance(probes, Peculiar):
            total = len(self.recorded.labels(self._recorded))
            return draws(total, n, self.method.score.block, setting.draws, setting.seed)
        if n > probes.candidates:
            return []
        return [np.sort(places[:n]) for places in self.peculiar(probes, setting)]

    def peculiar(self, probes: Peculiar, setting: Setting) -> list[NDArray[np.int64]]:
        """Places of each draw's candidates, the most peculiar first; none without outsiders."""
        outsiders = [self.full(name) for name in self.population.outsiders]
        victim = self.full(self.population.victim)
        if not outsiders:
            return []
        total = len(self.recorded.labels(self._recorded))
        block, count, seed = self.method.score.block, setting.draws, setting.seed
        return [
            some[by_peculiarity(taken(victim, some), [taken(one, some) for one in outsiders])]
            for some in draws(total, probes.candidates, block, count, seed)
        ]

    @property
    def _recorded(self) -> str:
        """Which recorded probes are used: of peculiar ones, the candidates."""
        probes = self.method.probes
        return probes.base.name if isinstance(probes, Peculiar) else probes.name

    def full(self, name: str) -> Outputs:
        """A model's answers as recorded."""
        return self.recorded.outputs(name, self._recorded)

    def _row(self, attack: Attack, n: int, found: Sequence[_Measured]) -> Row:
        population = self.population
        references, innocents = population.references_of(attack), population.innocents_of(attack)
        thieves = len(attack.thieves)
        right = float(np.mean([np.sum(one.detected) for one in found]))
        wrong = float(np.mean([np.mean(one.accused) for one in found])) * len(innocents)
        closest = float(np.mean([np.sum(one.closest) for one in found]))
        foreign = float(np.mean([np.sum(one.foreign) for one in found]))
        accused = float(np.mean([np.mean(one.foreign_accused) for one in found]))
        return Row(
            method=self.alias,
            name=self.method.name,
            answers="labels" if self.labels else "all",
            victim=population.victim,
            attack=attack.name,
            kept=sum(attack.kept),
            new_head=attack.new_head,
            n=n,
            draws=len(found),
            thieves=thieves,
            innocents=len(innocents),
            references=len(references),
            auc=float(np.mean([auc(one.stolen, one.innocent) for one in found])),
            welch=float(np.median([welch(one.stolen, one.innocent) for one in found])),
            f1=f1(right, wrong, thieves),
            kept_detected=_share([one.detected for one in found], attack),
            kept_verdict=_share([one.verdict for one in found], attack),
            detected=right / thieves,
            detected_interval=interval(right, thieves),
            accused=wrong / len(innocents),
            accused_interval=interval(wrong, len(innocents)),
            closest=closest / thieves,
            closest_interval=interval(closest, thieves),
            foreign=foreign / thieves,
            foreign_accused=accused,
        )

    def answers(self, name: str) -> Outputs:
        """A model's recorded answers to all probes of the method."""
        if name not in self._outputs:
            outputs = self.full(name)
            if self.labels and outputs.kind is not Kind.EMBEDDINGS:
                outputs = outputs.to(Kind.LABELS)
            self._outputs[name] = outputs
        return self._outputs[name]


@dataclass(frozen=True)
class _Measured:
    """Numbers and calls of one attack in one draw."""

    stolen: list[float]
    innocent: list[float]
    detected: list[bool]
    verdict: list[bool]
    accused: list[bool]
    closest: list[bool]
    foreign: list[bool]
    foreign_accused: list[bool]


class _Innocents(NamedTuple):
    """Numbers and calls of the independent models, and calls without their own lineage."""

    called: list[Called]
    foreign: list[bool]


def _share(calls: Sequence[Sequence[bool]], attack: Attack) -> float:
    """Of the thieves that keep accuracy, over all draws."""
    kept = [np.sum(np.array(one)[attack.kept]) for one in calls]
    return float(np.sum(kept) / max(1, len(calls) * sum(attack.kept)))


class _Alike(NamedTuple):
    """What all answers are brought to before they are compared.

    Attributes
    ----------
    kind, form
        Theirs.
    new_head
        Whether they are of the new label set.
    """

    kind: Kind
    new_head: bool
    form: Form


class Asked:
    """A draw of probes, put to all models."""

    def __init__(self, judge: Judge, places: NDArray[np.int64]) -> None:
        self.judge = judge
        self.places = places
        self._pools: dict[_Alike, tuple[Pools, dict[str, int]]] = {}
        self._innocents: dict[_Alike, _Innocents] = {}

    def measured(self, attack: Attack, alpha: float) -> _Measured | None:
        """None where the method does not apply to these answers."""
        population = self.judge.population
        references, innocents = population.references_of(attack), population.innocents_of(attack)
        try:
            alike = [self._alike(attack, one) for one in attack.thieves]
            pairs = list(zip(attack.thieves, alike, strict=True))
            own = [self._called(how, one, references, alpha) for one, how in pairs]
            foreign = [self._foreign(how, one, references, alpha) for one, how in pairs]
            closest = [
                self._called(how, one, [*references, *innocents], 0).rank for one, how in pairs
            ]
            forms = dict.fromkeys(alike)
            others = [self._judged(how, references, innocents, alpha) for how in forms]
        except BirthmarkError:
            return None
        return _Measured(
            stolen=[one.number for one in own],
            innocent=[one.number for other in others for one in other.called],
            detected=[one.rank for one in own],
            verdict=[one.verdict for one in own],
            accused=[one.rank for other in others for one in other.called],
            closest=closest,
            foreign=foreign,
            foreign_accused=[called for other in others for called in other.foreign],
        )

    def _judged(
        self, how: _Alike, references: Sequence[str], innocents: Sequence[str], alpha: float
    ) -> _Innocents:
        """The independent models, in the form of a thief."""
        if how not in self._innocents:
            self._innocents[how] = _Innocents(
                [self._called(how, one, references, alpha) for one in innocents],
                [self._foreign(how, one, references, alpha) for one in innocents],
            )
        return self._innocents[how]

    def numbers(
        self, attack: Attack, suspects: Sequence[str], references: Sequence[str] | None = None
    ) -> list[list[float]]:
        """Of each suspect its number, and after it those of the references in one pool with it.

        Parameters
        ----------
        attack
            Says what models are compared as.
        suspects
            Whose numbers.
        references
            Some of the attack's reference models; all if not given.

        Raises
        ------
        BirthmarkError
            If the method does not apply to these answers.
        """
        if references is None:
            references = self.judge.population.references_of(attack)
        return [self._pool(self._alike(attack, one), one, references) for one in suspects]

    def _pool(self, how: _Alike, suspect: str, references: Sequence[str]) -> list[float]:
        pools, at = self._compared(how)
        return pools([at[suspect], *(at[name] for name in references)])

    def _foreign(self, how: _Alike, suspect: str, references: Sequence[str], alpha: float) -> bool:
        """The call without any reference model of the suspect's own lineage."""
        lineage = self.judge.population.lineages
        others = [one for one in references if lineage[one] != lineage[suspect]]
        return self._called(how, suspect, others, alpha).rank

    def _called(self, how: _Alike, suspect: str, references: Sequence[str], alpha: float) -> Called:
        """With alpha 0: called if closer than all."""
        own, *others = self._pool(how, suspect, references)
        closer = sum(other <= own for other in others)
        close = closer <= (allowed(alpha, len(others)) if alpha else 0)
        if not close:
            return Called(own, rank=False, verdict=False)
        lineages = [self.judge.population.lineages[name] for name in references]
        ranks = by_lineage(own, others, lineages, alpha)
        return Called(own, rank=True, verdict=all(one.close_enough for one in ranks))

    def _compared(self, how: _Alike) -> tuple[Pools, dict[str, int]]:
        if how not in self._pools:
            population = self.judge.population
            names = (
                [*population.new_references, *population.new_independents]
                if how.new_head
                else [*population.references, *population.independents]
            )
            for attack in population.attacks:
                if attack.new_head == how.new_head:
                    names += [one for one in attack.thieves if self._fits(how, one)]
            background = population.references if how.new_head else []
            self._pools[how] = (
                self.judge.method.score.pools(
                    self._brought(population.victim, how, as_it_is=how.new_head),
                    [self._brought(name, how) for name in names],
                    [self._brought(name, how, as_it_is=True) for name in background],
                ),
                {name: i for i, name in enumerate(names)},
            )
        return self._pools[how]

    def _alike(self, attack: Attack, suspect: str) -> _Alike:
        """What everyone's answers are brought to for this suspect."""
        kind = self.common(attack)
        return _Alike(kind, attack.new_head, self._form(suspect, kind))

    def _fits(self, how: _Alike, suspect: str) -> bool:
        kinds = coarser(self.judge.answers(suspect).kind)
        return how.kind in kinds and self._form(suspect, how.kind) == how.form

    def _form(self, name: str, kind: Kind) -> Form:
        if (name, kind) not in self.judge.forms:
            self.judge.forms[name, kind] = form_of(self.judge.answers(name).to(kind))
        return self.judge.forms[name, kind]

    def common(self, attack: Attack) -> Kind:
        """What models are compared as; with a new head the victim may answer with embeddings.

        Raises
        ------
        BirthmarkError
            If the score can't compare them.
        """
        score = self.judge.method.score
        kinds = [self.judge.answers(name).kind for name in attack.thieves]
        victim = self.judge.answers(self.judge.population.victim).kind
        if attack.new_head and victim is Kind.EMBEDDINGS and Kind.EMBEDDINGS in score.kinds:
            return common_kind(kinds, score)
        return common_kind([*kinds, victim], score)

    def _brought(self, name: str, how: _Alike, *, as_it_is: bool = False) -> Outputs:
        some = taken(self.judge.answers(name), self.places)
        if as_it_is and some.kind is Kind.EMBEDDINGS:
            return some
        return how.form.of(some.to(how.kind))
