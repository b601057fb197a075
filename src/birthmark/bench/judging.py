"""One method against a zoo's population."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from birthmark.bench.draws import draws, taken
from birthmark.bench.measures import allowed, auc, f1, interval, welch
from birthmark.bench.population import Attack, Population
from birthmark.bench.table import Row, Setting
from birthmark.errors import BirthmarkError
from birthmark.methods import Method, common_kind
from birthmark.outputs import Kind, Outputs, coarser
from birthmark.probes.peculiar import Peculiar, most_peculiar
from birthmark.scores import Pools
from birthmark.zoo.recorded import Recorded

Called = tuple[float, bool]
"""A model's number, and whether it is called derived."""


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

    @cached_property
    def population(self) -> Population:
        """Who is compared with whom."""
        found = Population.of_other(self.recorded) if self.other else Population.of(self.recorded)
        if found is None:
            raise BirthmarkError("this zoo", "has no other victim", "leave that out")
        return found

    def rows(self, setting: Setting) -> Iterator[Row]:
        """A row for each number of probes and attack; none where the method can't be applied."""
        for n in setting.sizes:
            some = self._draws(n, setting)
            if not some:
                continue
            asked = [_Asked(self, places) for places in some]
            for attack in self.population.attacks:
                measured = [one.measured(attack, setting.alpha) for one in asked]
                found = [one for one in measured if one is not None]
                if found:
                    yield self._row(attack, n, found)

    def _draws(self, n: int, setting: Setting) -> list[NDArray[np.int64]]:
        """Places of the probes of each draw; peculiar ones are chosen in each."""
        probes = self.method.probes
        total = len(self.recorded.labels(self._recorded))
        block, count, seed = self.method.score.block, setting.draws, setting.seed
        if not isinstance(probes, Peculiar):
            return draws(total, n, block, count, seed)
        outsiders = [self.full(name) for name in self.population.outsiders]
        victim = self.full(self.population.victim)
        if n > probes.candidates or not outsiders:
            return []
        return [
            some[most_peculiar(taken(victim, some), [taken(one, some) for one in outsiders], n)]
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
        references = population.new_references if attack.new_head else population.references
        innocents = population.new_independents if attack.new_head else population.independents
        thieves = len(attack.thieves)
        right = float(np.mean([np.sum(one.detected) for one in found]))
        wrong = float(np.mean([np.sum(one.accused) for one in found]))
        closest = float(np.mean([np.sum(one.closest) for one in found]))
        foreign = float(np.mean([np.sum(one.foreign) for one in found]))
        accused = float(np.mean([np.sum(one.foreign_accused) for one in found]))
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
            kept_detected=float(
                np.sum([np.sum(np.array(one.detected)[attack.kept]) for one in found])
                / max(1, len(found) * sum(attack.kept))
            ),
            detected=right / thieves,
            detected_interval=interval(right, thieves),
            accused=wrong / len(innocents),
            accused_interval=interval(wrong, len(innocents)),
            closest=closest / thieves,
            closest_interval=interval(closest, thieves),
            foreign=foreign / thieves,
            foreign_accused=accused / len(innocents),
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
    accused: list[bool]
    closest: list[bool]
    foreign: list[bool]
    foreign_accused: list[bool]


class _Innocents(NamedTuple):
    """Numbers and calls of the independent models, and calls without their own family."""

    called: list[Called]
    foreign: list[bool]


class _Asked:
    """A draw of probes, put to all models."""

    def __init__(self, judge: Judge, places: NDArray[np.int64]) -> None:
        self.judge = judge
        self.places = places
        self._pools: dict[tuple[Kind, bool], tuple[Pools, dict[str, int]]] = {}
        self._innocents: dict[tuple[Kind, bool], _Innocents] = {}

    def measured(self, attack: Attack, alpha: float) -> _Measured | None:
        """None where the method does not apply to these answers."""
        population = self.judge.population
        new_head = attack.new_head
        references = population.new_references if new_head else population.references
        innocents = population.new_independents if new_head else population.independents
        try:
            kind = self._common(attack)
            pools, at = self._compared(kind, new_head=new_head)
            own = [self._called(pools, at, one, references, alpha) for one in attack.thieves]
            foreign = self._foreign(pools, at, attack.thieves, references, alpha)
            closest = [
                self._called(pools, at, one, [*references, *innocents], 0)[1]
                for one in attack.thieves
            ]
            if (kind, new_head) not in self._innocents:
                self._innocents[kind, new_head] = _Innocents(
                    [self._called(pools, at, one, references, alpha) for one in innocents],
                    self._foreign(pools, at, innocents, references, alpha),
                )
        except BirthmarkError:
            return None
        other = self._innocents[kind, new_head]
        return _Measured(
            stolen=[number for number, _ in own],
            innocent=[number for number, _ in other.called],
            detected=[called for _, called in own],
            accused=[called for _, called in other.called],
            closest=closest,
            foreign=foreign,
            foreign_accused=other.foreign,
        )

    def _foreign(
        self,
        pools: Pools,
        at: dict[str, int],
        suspects: Sequence[str],
        references: Sequence[str],
        alpha: float,
    ) -> list[bool]:
        """Calls without any reference model of the suspect's own family."""
        family = self.judge.population.families
        return [
            self._called(
                pools, at, one, [r for r in references if family[r] != family[one]], alpha
            )[1]
            for one in suspects
        ]

    def _called(
        self,
        pools: Pools,
        at: dict[str, int],
        suspect: str,
        references: Sequence[str],
        alpha: float,
    ) -> Called:
        """With alpha 0: called if closer than all."""
        own, *others = pools([at[suspect], *(at[name] for name in references)])
        closer = sum(other <= own for other in others)
        return own, closer <= (allowed(alpha, len(others)) if alpha else 0)

    def _compared(self, kind: Kind, *, new_head: bool) -> tuple[Pools, dict[str, int]]:
        if (kind, new_head) not in self._pools:
            population = self.judge.population
            names = (
                [*population.new_references, *population.new_independents]
                if new_head
                else [*population.references, *population.independents]
            )
            for attack in population.attacks:
                if attack.new_head == new_head:
                    names += [
                        n for n in attack.thieves if kind in coarser(self.judge.answers(n).kind)
                    ]
            background = population.references if new_head else []
            self._pools[kind, new_head] = (
                self.judge.method.score.pools(
                    self._form(population.victim, kind, as_it_is=new_head),
                    [self._form(name, kind) for name in names],
                    [self._form(name, kind, as_it_is=True) for name in background],
                ),
                {name: i for i, name in enumerate(names)},
            )
        return self._pools[kind, new_head]

    def _common(self, attack: Attack) -> Kind:
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

    def _form(self, name: str, kind: Kind, *, as_it_is: bool = False) -> Outputs:
        some = taken(self.judge.answers(name), self.places)
        return some if as_it_is and some.kind is Kind.EMBEDDINGS else some.to(kind)
