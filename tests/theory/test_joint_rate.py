"""The rate of several witnesses together, checked against many innocents."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
import scipy

from birthmark.audit import testimony
from birthmark.audit.joint import joint, level
from birthmark.audit.verdict import Verdict

INNOCENTS = 5000
NAMES: tuple[Literal["weights", "shuffled"], ...] = ("weights", "shuffled")


@pytest.mark.parametrize("alike", [0.0, 0.9, -0.45])
def test_innocents_are_accused_as_rarely_as_asked(alike: float) -> None:
    """Whatever the witnesses have to do with each other.

    The test's own flakiness: 4 standard errors, and the seed is fixed.
    """
    rng = np.random.default_rng(1)
    spread = np.full((3, 3), alike) + np.eye(3) * (1 - alike)
    ps = scipy.stats.norm.sf(rng.multivariate_normal(np.zeros(3), spread, INNOCENTS))
    alpha = 0.05
    accused = 0
    for own, *others in ps:
        close = own <= level(alpha, 2)
        said = [
            testimony.Testimony(
                witness=name,
                sentence="",
                p_value=p,
                exact=True,
                measured=[],
                assumes=[],
                cannot_tell=[],
                sources={},
            )
            for name, p in zip(NAMES, others, strict=True)
        ]
        verdict = Verdict.DERIVED if close else Verdict.INCONCLUSIVE
        found = joint(verdict, said, alpha, [True, True])
        accused += found.verdict is Verdict.DERIVED
    assert accused / INNOCENTS <= alpha + 4 * np.sqrt(alpha / INNOCENTS)
    if alike <= 0:
        assert accused / INNOCENTS >= 0.8 * alpha
