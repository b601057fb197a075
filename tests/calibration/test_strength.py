from __future__ import annotations

import numpy as np
import pytest

from birthmark.calibration import Strength, strength
from birthmark.calibration.strength import fitted

BOUNDS = (fitted().copied, fitted().extracted)


def told(ratio: float) -> Strength:
    return strength(0.01).model_copy(update={"ratio": ratio})


def test_it_falls_with_p_and_stays_within_what_the_data_support() -> None:
    ratios = [strength(p).ratio for p in np.linspace(0, 1, 101)]
    assert ratios == sorted(ratios, reverse=True)
    assert ratios[0] == pytest.approx(sum(one.high for one in BOUNDS) / 2) == strength(0).most
    assert ratios[-1] == pytest.approx(sum(one.low for one in BOUNDS) / 2)
    assert strength(0.01).ratio > 1 > strength(0.5).ratio
    assert max(one.high for one in BOUNDS) < fitted().innocents


def test_a_p_value_that_was_looked_for_counts_less() -> None:
    assert strength(0.02, share=0.2).ratio == strength(0.1).ratio
    assert strength(0.5, share=0.1) == strength(1.0)


@pytest.mark.parametrize(
    ("ratio", "words"),
    [
        (2e6, "extremely strong support for derived"),
        (99, "moderate support for derived"),
        (101, "moderately strong support for derived"),
        (1.9, "no support for either"),
        (1 / 11, "moderate support for independent"),
    ],
)
def test_words_are_those_of_the_scale(ratio: float, words: str) -> None:
    assert told(ratio).words == words
    assert f"Strength: {words}." in told(ratio).sentence


def test_the_sentence_names_the_likelier_first() -> None:
    assert "20 times as likely for a derived model as for an independent one" in told(20).sentence
    assert "20 times as likely for an independent model as for a derived one" in told(0.05).sentence
