"""References drawn from a recorded zoo: so many lineages, the victim's first, models of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

LINEAGES = ("vgg", "resnet", "densenet", "mobilenet")
DESIGNS = ((4, 10), (4, 4), (4, 2), (3, 2), (2, 3))
DRAWS = 10

Design = tuple[int, int]


def drawn(names: Sequence[str], lineages: Mapping[str, str]) -> list[tuple[Design, list[int]]]:
    """Places of the references of every draw of every design; of 4 x 10 there is one, with all."""
    rng = np.random.default_rng(0)
    return [(design, chosen) for design in DESIGNS for chosen in _of(design, names, lineages, rng)]


def _of(
    design: Design, names: Sequence[str], lineages: Mapping[str, str], rng: np.random.Generator
) -> Iterator[list[int]]:
    many, each = design
    for _ in range(1 if design == DESIGNS[0] else DRAWS):
        chosen: list[int] = []
        for lineage in [LINEAGES[0], *rng.permutation(LINEAGES[1:])][:many]:
            inside = [i for i, name in enumerate(names) if lineages[name] == lineage]
            chosen += rng.permutation(inside)[:each].tolist()
        yield chosen
