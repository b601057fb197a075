"""Ways to evade, done to recorded answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from birthmark.audit.repeats import REPEATS, Again, Time
from birthmark.common.errors import BirthmarkError
from birthmark.data.forms import largest, rounded
from birthmark.data.outputs import Kind, Outputs
from birthmark.models.adapters.base import Answered
from birthmark.scores import Score
from birthmark.scores.methods import common_kind

SMALLEST = 1e-12
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Told:
    """What an evasive suspect told, and told when it was asked again."""

    given: Answered
    again: dict[Time, Again] = field(default_factory=dict)

    def repeated(self, again: dict[Time, Again]) -> Told:
        """The same with other repeats."""
        return replace(self, again=again)


Act = Callable[[Outputs, Outputs, Outputs, np.random.Generator], Told | None]
"""From a suspect's answers, an innocent's and the victim's to what is told; None if none can be."""


def common(score: Score, outputs: Sequence[Outputs]) -> Kind | None:
    """The kind that answers are compared as, if there is one."""
    try:
        return common_kind([one.kind for one in outputs], score)
    except BirthmarkError:
        return None


def answers_again(given: Answered) -> dict[Time, Again]:
    """Of a suspect that answers the same each time."""
    some = given.outputs.first(REPEATS)
    return dict.fromkeys((Time.AT_ONCE, Time.AT_THE_END), Again(some, some))


def _favour(outputs: Outputs) -> Floats:
    values = outputs.values.astype(np.float64)
    return values if outputs.kind is Kind.EMBEDDINGS else np.log(np.maximum(values, SMALLEST))


def _from(favour: Floats, like: Outputs) -> Outputs:
    if like.kind is Kind.EMBEDDINGS:
        return Outputs(favour.astype(np.float32), like.kind, like.classes)
    return Outputs(favour.astype(np.float32), Kind.LOGITS, like.classes).to(Kind.PROBABILITIES)


def _plainly(change: Callable[[Outputs], Outputs]) -> Act:
    """Of probabilities only."""

    def act(said: Outputs, *_: object) -> Told | None:
        return Told(Answered(change(said))) if said.kind is Kind.PROBABILITIES else None

    return act


def heated(temperature: float) -> Act:
    """At another temperature."""
    return _plainly(lambda said: _from(_favour(said) / temperature, said))


def noisy(share: float) -> Act:
    """With fresh normal noise of so much of the spread between probes, added to logits."""

    def act(said: Outputs, _: Outputs, __: Outputs, rng: np.random.Generator) -> Told:
        favour = _favour(said)
        if said.kind is not Kind.EMBEDDINGS:
            favour = favour - favour.mean(axis=1, keepdims=True)
        deviation = share * float((favour - favour.mean(axis=0)).std())

        def told() -> Outputs:
            return _from(favour + rng.normal(0, deviation, favour.shape), said)

        first = told()
        again = {
            when: Again(first.first(REPEATS), told().first(REPEATS))
            for when in (Time.AT_ONCE, Time.AT_THE_END)
        }
        return Told(Answered(first), again)

    return act


def drifting(share: float) -> Act:
    """The last probes are answered by an innocent."""

    def act(said: Outputs, other: Outputs, *_: object) -> Told | None:
        if said.values.shape != other.values.shape:
            return None
        kept = round((1 - share) * len(said))
        values = np.concatenate([said.values[:kept], other.values[kept:]])
        some, later = said.first(REPEATS), other.first(REPEATS)
        again = {Time.AT_ONCE: Again(some, some), Time.AT_THE_END: Again(some, later)}
        return Told(Answered(Outputs(values, said.kind, said.classes)), again)

    return act


def shuffled(share: float) -> Act:
    """The answers to some probes are dealt to each other."""

    def act(said: Outputs, _: Outputs, __: Outputs, rng: np.random.Generator) -> Told:
        some = rng.permutation(len(said))[: round(share * len(said))]
        order = np.arange(len(said))
        order[some] = np.roll(some, 1)
        return Told(Answered(said.at(order.tolist())))

    return act


def blank(share: float) -> Act:
    """Some probes get one and the same answer, the mean of all."""

    def act(said: Outputs, _: Outputs, __: Outputs, rng: np.random.Generator) -> Told:
        values = said.values.copy()
        some = rng.permutation(len(said))[: round(share * len(said))]
        values[some] = values.mean(axis=0)
        return Told(Answered(Outputs(values, said.kind, said.classes)))

    return act


Doubt = Callable[[Outputs, Outputs, np.random.Generator], Floats]


def _at_random(said: Outputs, _: Outputs, rng: np.random.Generator) -> Floats:
    return rng.random(len(said))


def _unsure(said: Outputs, _: Outputs, __: np.random.Generator) -> Floats:
    if said.kind is Kind.EMBEDDINGS:
        return np.asarray(-np.linalg.norm(said.values, axis=1), np.float64)
    return np.asarray(-said.values.max(axis=1), np.float64)


def _like_the_victim(said: Outputs, victim: Outputs, rng: np.random.Generator) -> Floats:
    if said.values.shape != victim.values.shape:
        return rng.random(len(said))
    mine, theirs = said.favour(), victim.favour()
    lengths = np.linalg.norm(mine, axis=1) * np.linalg.norm(theirs, axis=1)
    likeness: Floats = (mine * theirs).sum(axis=1) / np.maximum(lengths, SMALLEST)
    return likeness


def refusing(share: float, doubt: Doubt) -> Act:
    """The probes of the highest doubt are refused."""

    def act(said: Outputs, _: Outputs, victim: Outputs, rng: np.random.Generator) -> Told:
        order = np.argsort(-doubt(said, victim, rng), kind="stable")
        refused = dict.fromkeys(order[: round(share * len(said))].tolist(), "no")
        places = [i for i in range(len(said)) if i not in refused]
        return Told(Answered(said.at(places), refused))

    return act


EVASIONS: dict[str, Act] = {
    "honest": lambda said, *_: Told(Answered(said)),
    **{f"temperature {t:g}": heated(t) for t in (0.25, 0.5, 2, 4)},
    **{f"noise {s:g} of the spread": noisy(s) for s in (0.01, 0.03, 0.1, 0.3, 1)},
    **{f"rounded to {d} digits": _plainly(partial(rounded, digits=d)) for d in (2, 1)},
    **{f"the {k} largest": _plainly(partial(largest, count=k)) for k in (3, 1)},
    "labels only": _plainly(lambda o: o.to(Kind.LABELS)),
    **{f"{s:.0%} permuted": shuffled(s) for s in (0.05, 0.2)},
    **{f"{s:.0%} one answer": blank(s) for s in (0.1, 0.4)},
    "one answer to all": blank(1),
    **{f"last {s:.0%} by another": drifting(s) for s in (0.1, 0.5)},
    **{f"{s:.0%} refused at random": refusing(s, _at_random) for s in (0.05, 0.2)},
    **{f"{s:.0%} refused, unsure": refusing(s, _unsure) for s in (0.05, 0.1, 0.2, 0.5)},
    **{f"{s:.0%} refused, like the victim": refusing(s, _like_the_victim) for s in (0.05, 0.2)},
}
"""By what the table calls them."""
