"""Leaving probes out: the short ways give what the long way gives, and shares add up."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from birthmark.data.outputs import Kind, Outputs
from birthmark.scores import SCORES
from birthmark.scores.jackknife import LeavesOut, jackknifed, without_each

N, WIDTH, MODELS = 24, 5, 9
SHORT = ["partial0.03", "partial-points0.1", "partial-pairs0.03"]
SHORT += [f"sac-{correlation}-l1" for correlation in ("cosine", "halfcosine", "rbf")]


def answers(seed: int, kind: Kind = Kind.LOGITS, width: int = WIDTH) -> Outputs:
    rng = np.random.default_rng(seed)
    common = np.random.default_rng(99).normal(size=(N, WIDTH))
    values = rng.normal(size=(N, width)).astype(np.float32)
    values[:, :WIDTH] += 2 * common[:, :width]
    return Outputs(values, Kind.LOGITS, width).to(kind)


class LongWay:
    """A score that has forgotten its short way."""

    def __init__(self, name: str) -> None:
        self.inner = SCORES.make(name)
        self.name, self.kinds = self.inner.name, self.inner.kinds
        self.block, self.reference_images = 1, 0
        self.lines_up, self.pools = self.inner.lines_up, self.inner.pools
        self.among, self.settled = self.inner.among, self.inner.settled

    def __call__(
        self, victim: Outputs, pool: Sequence[Outputs], background: Sequence[Outputs] = ()
    ) -> list[float]:
        return self.inner(victim, pool, background)


@pytest.mark.parametrize("name", SHORT)
@pytest.mark.parametrize("width", [WIDTH, 3])
def test_short_ways(name: str, width: int) -> None:
    """Also where a model has other classes than the victim."""
    if width != WIDTH and "points" in name:
        pytest.skip("points need the victim's classes")
    victim, pool = answers(0), [answers(1, width=width), *(answers(i) for i in range(2, MODELS))]
    score = SCORES.make(name)
    assert isinstance(score, LeavesOut)
    blocks = [0, 7, N - 1]
    short = without_each(score, victim, pool, blocks)
    assert short.shape == (3, len(pool))
    np.testing.assert_allclose(
        short, without_each(LongWay(name), victim, pool, blocks), rtol=1e-4, atol=1e-5
    )
    assert np.abs(short - np.array(score(victim, pool))).max() > 1e-3


def test_shares_of_a_mean_are_its_parts() -> None:
    victim, model = (answers(seed, Kind.LABELS) for seed in (0, 1))
    score = SCORES.make("agreement")
    whole = np.array(score(victim, [model])[0])
    without = without_each(score, victim, [model], range(N))[:, 0]
    parts = jackknifed(whole, without, N)
    np.testing.assert_allclose(parts, victim.predicted() != model.predicted(), atol=1e-9)


def test_blocks_are_left_out_whole() -> None:
    victim, model = answers(0), answers(1)
    score = SCORES.make("ddv")
    assert score.block == 2
    found = without_each(score, victim, [model], [3])[0, 0]
    rest = [i for i in range(N) if i not in (6, 7)]
    fewer = [Outputs(one.values[rest], one.kind, WIDTH) for one in (victim, model)]
    expected = score(fewer[0], fewer[1:])
    assert found == pytest.approx(expected[0])
