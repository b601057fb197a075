from __future__ import annotations

import numpy as np

from birthmark import Kind, Outputs
from birthmark.probes.peculiar import by_peculiarity


def labels(*values: int) -> Outputs:
    return Outputs(np.array(values), Kind.LABELS, 3)


def test_the_most_peculiar_probes_come_first() -> None:
    victim = labels(0, 1, 2, 0)
    outsiders = [labels(0, 0, 2, 1), labels(0, 2, 0, 1)]
    assert by_peculiarity(victim, outsiders).tolist() == [3, 1, 2, 0]
    assert sorted(by_peculiarity(victim, outsiders)[:2].tolist()) == [1, 3]
    assert sorted(by_peculiarity(victim, outsiders)[:9].tolist()) == [0, 1, 2, 3]


def test_where_outsiders_differ_among_themselves_anyone_stands_out() -> None:
    """At the first probe the victim is farther from their mean, and so are they."""

    def told(*first: float) -> Outputs:
        rows = np.array([[*first], [0.5, 0.5, 0.0], [0.5, 0.5, 0.0], [0.5, 0.5, 0.0]])
        return Outputs(rows.astype(np.float32), Kind.PROBABILITIES, 3)

    victim = told(1, 0, 0)
    victim.values[1] = (0.0, 0.5, 0.5)
    outsiders = [told(0, 1, 0), told(0, 0, 1)]
    assert by_peculiarity(victim, outsiders).tolist()[:2] == [1, 0]
