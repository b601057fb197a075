"""All suspects of all zoos, judged as an audit does: what strength and power are measured on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birthmark.bench.accused import INNOCENT, Setting, verdicts
from birthmark.bench.likelihood import Flags, Numbers
from birthmark.bench.population import VICTIM, other_victims
from birthmark.calibration.strength import evidence
from birthmark.zoo.answers import read_answers
from birthmark.zoo.plan import Part

WATERMARKED = "entangled/0"
ADAPTIVE = ("hidden", "hidden-known-probes")
"""Groups of thieves who train against our score: nobody knows how many there are of them."""

Row = tuple[str, str, str, str, str, float, float, float, bool, bool]


@dataclass(frozen=True)
class Seen:
    """Suspects of all populations, one a row.

    Attributes
    ----------
    populations, kinds, groups, models, designs
        Names, (n,).
    deviations, nearness
        The evidence, and the score over the references' mean, (n,).
    reach
        The largest nearness that could be called derived, (n,).
    begun
        Whether the victim's training began from a checkpoint, (n,).
    shared
        Whether it is an innocent that learnt from the victim's own images, (n,).
    """

    populations: NDArray[Any]
    kinds: NDArray[Any]
    groups: NDArray[Any]
    models: NDArray[Any]
    designs: NDArray[Any]
    deviations: Numbers
    nearness: Numbers
    reach: Numbers
    begun: Flags
    shared: Flags

    def where(self, some: Flags) -> Seen:
        """Some of the rows."""
        return Seen(*(getattr(self, name)[some] for name in self.__dataclass_fields__))

    @property
    def derived(self) -> Flags:
        """Which are no innocents."""
        flags: Flags = self.kinds != INNOCENT
        return flags

    @property
    def weights(self) -> Numbers:
        """All populations of a kind weigh alike, and within them all models."""
        pairs = list(zip(self.populations, self.kinds, strict=True))
        models = {
            (p, k): len(set(self.models[(self.populations == p) & (self.kinds == k)]))
            for p, k in set(pairs)
        }
        rows = Counter(zip(self.populations, self.models, strict=True))
        return np.array(
            [1 / (models[p, k] * rows[p, m]) for (p, k), m in zip(pairs, self.models, strict=True)]
        )

    @property
    def zoos(self) -> NDArray[Any]:
        """Of which zoo each is; victims of one zoo are one population each."""
        return np.array([name.partition(",")[0] for name in self.populations])

    @property
    def counts(self) -> tuple[int, int]:
        """How many derived models and innocents there are; none counts once a victim."""
        sides = [self.where(self.derived), self.where(~self.derived)]
        first, second = (len(set(zip(s.zoos, s.models, strict=True))) for s in sides)
        return first, second


def seen(file: Path, n: int) -> Iterable[Row]:
    """All suspects of a zoo that the population check lets pass, no disguised or adaptive ones.

    A thief disguised or quantised is there already, so it is no further model.
    """
    recorded = read_answers(file)
    setting = Setting(n=n, controls=False, disguised=False)
    bare = {r.name for r in recorded.records if r.name != WATERMARKED}
    for victim in (VICTIM, *(v for v in other_victims(recorded) if v in bare)):
        title = file.stem if victim == VICTIM else f"{file.stem}, {victim.split('/')[0]}"
        for one in verdicts(recorded, victim, setting):
            if not one.strange and one.group not in ADAPTIVE:
                begun = recorded.record(victim).start is not None
                shared = one.kind == INNOCENT and recorded.record(one.model).data is Part.OWNER
                who = (title, one.kind, one.group, one.model, one.design)
                yield *who, evidence(one.p_value), one.nearness, one.reach, begun, shared


def together(files: Sequence[Path], n: int) -> Seen:
    """All zoos."""
    rows = [row for file in files for row in seen(file, n)]
    return Seen(*(np.array(column) for column in zip(*rows, strict=True)))
