"""Probes to which the victim's answer is peculiar to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from birthmark.common.errors import BirthmarkError
from birthmark.data.images import Image, ImageSet
from birthmark.data.outputs import Kind, Outputs, common_classes, unit_rows
from birthmark.models.adapters import Suspect, answered
from birthmark.probes.base import PROBES, Draw, ProbeMethod
from birthmark.probes.companions import Companions


class Peculiar:
    """Of many probes of another kind, those that the victim answers least as outsiders do.

    Source: ours; SAC-w (arXiv 2210.15427) looks for such images among those that are answered
    wrongly, which takes labels and may find few.

    Parameters
    ----------
    candidates
        Among how many drawn probes to choose.
    base
        How they are made.
    """

    asks_victim = True
    asks_companions = True

    def __init__(self, *, candidates: str, base: str) -> None:
        self.candidates = int(candidates)
        self.base: ProbeMethod = PROBES.make(base)

    @property
    def name(self) -> str:
        """`peculiar<candidates>-<base>`."""
        return f"peculiar{self.candidates}-{self.base.name}"

    @property
    def true_labels(self) -> bool:
        """As of the candidates."""
        return self.base.true_labels

    def select(
        self,
        images: ImageSet,
        victim: Suspect | None,
        n: int,
        draw: Draw,
        resize: tuple[int, int] | None = None,
        companions: Companions = Companions(),
    ) -> list[Image]:
        """Choose n of the candidates, the most peculiar first."""
        if n > self.candidates:
            raise BirthmarkError(
                self.name,
                f"chooses among {self.candidates} candidates, but {n} probes are needed",
                f"use peculiar{3 * n}-{self.base.name}",
            )
        if victim is None or not companions.outsiders:
            raise BirthmarkError(
                self.name,
                "compares the victim with outsiders, and one of these is missing",
                "pass the victim and independent models that are not references, or use"
                f" {self.base.name}",
            )
        probes = self.base.select(images, victim, self.candidates, draw, resize, companions)
        others = [answered(one, probes) for one in companions.outsiders]
        chosen = by_peculiarity(answered(victim, probes), others)[:n]
        return [
            replace(probes[i], name=f"{place:05d}.{probes[i].name.rpartition('.')[2]}")
            for place, i in enumerate(chosen.tolist())
        ]


def by_peculiarity(victim: Outputs, outsiders: Sequence[Outputs]) -> NDArray[np.int64]:
    """Places of all probes, the most peculiar first.

    The peculiarity of a probe is the squared distance of the victim's class probabilities from the
    mean of the outsiders'; of labels, a 1 for the class. Embeddings, and answers of other numbers
    of classes, are first replaced by their cosines with the answers to all probes.

    Parameters
    ----------
    victim, outsiders
        Answers to the same candidates.

    Returns
    -------
    ndarray
        int64 (candidates,).
    """
    everyone = common_classes([victim, *outsiders])
    victim = everyone[0]
    if all(one.kind.tells_classes and one.classes == victim.classes for one in everyone):
        forms = [_probabilities(one) for one in everyone]
    else:
        forms = [_cosines(one.favour()) for one in everyone]
    peculiarity = ((forms[0] - np.mean(forms[1:], axis=0)) ** 2).sum(axis=1)
    return np.argsort(-peculiarity, kind="stable").astype(np.int64)


def _probabilities(outputs: Outputs) -> NDArray[np.float64]:
    if outputs.kind is Kind.LABELS:
        return outputs.favour()
    return outputs.to(Kind.PROBABILITIES).values.astype(np.float64)


def _cosines(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    units = unit_rows(rows)
    cosines: NDArray[np.float64] = units @ units.T
    return cosines


PROBES.register(r"peculiar(?P<candidates>[1-9]\d*)-(?P<base>.+)", example="peculiar300-jpeg25")(
    Peculiar
)
