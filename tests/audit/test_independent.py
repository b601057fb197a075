"""What independent takes."""

from __future__ import annotations

from typing import Any

import pytest

import world
from birthmark import Verdict


def judged(models: int = 20, **options: Any) -> Any:
    made = world.fingerprint_of_digits(models, **options)
    return made.audit(world.as_digits(world.innocent(25)), independent_above=0.05)


def test_independent_tells_what_would_have_been_found() -> None:
    result = judged()
    assert result.verdict is Verdict.INDEPENDENT
    assert result.power is not None
    assert result.power.enough
    assert f"would have found {result.power.copies:.0%} of copies" in result.sentence


@pytest.mark.parametrize(
    ("models", "options", "said"),
    [
        (4, {}, "too few to call the suspect independent"),
        (20, {"method": "sac-jc"}, "Nobody knows how many copies this audit would have found"),
        (20, {"start": None}, "depends on what the victim's training started from"),
        (20, {"start": "a-checkpoint"}, "too few to call the suspect independent"),
    ],
)
def test_nobody_is_independent_of_whom_a_copy_would_not_have_been_found(
    models: int, options: dict[str, Any], said: str
) -> None:
    result = judged(models, **options)
    assert result.p_value > 0.05
    assert result.verdict is Verdict.INCONCLUSIVE
    assert said in result.findings[-1]
