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
