"""How long to wait, and what may still be sent."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from birthmark.models.remote.access import Limits
from birthmark.models.remote.pace import Budget, Pace, retry_after
from birthmark.models.remote.record import Spent

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        (" 0 ", 0.0),
        ("86400", 600.0),
        ("9" * 5000, 600.0),
        ("Fri, 02 Jan 2026 03:05:05 GMT", 60.0),
        ("Fri, 02 Jan 2026 03:03:05 GMT", 0.0),
        ("Fri, 02 Jan 2032 03:03:05 GMT", 600.0),
        ("Friday", None),
        ("-5", None),
        ("1e3", None),
        ("²", None),
        ("", None),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, NOW) == seconds


@pytest.mark.parametrize(
    ("limits", "spent", "left"),
    [
        (Limits(max_calls=5), Spent(calls=3), 2),
        (Limits(max_calls=5), Spent(calls=9), 0),
        (Limits(price=0.1, max_cost=1.0), Spent(cost=0.7), 3),
        (Limits(max_calls=2, price=0.1, max_cost=1.0), Spent(), 2),
    ],
)
def test_a_budget_is_counted_from_what_was_spent(limits: Limits, spent: Spent, left: int) -> None:
    budget = Budget(limits, spent)
    assert [budget.take() for _ in range(left + 2)] == [True] * left + [False] * 2
    budget.give_back()
    assert budget.take() == (spent.calls <= 5 and spent.cost <= 1)


def test_a_rate_is_kept_and_a_pause_holds_everything() -> None:
    clock = [100.0]
    pace = Pace(2.0, lambda: clock[0])
    waits = []
    for _ in range(3):
        waits.append(pace.wait())
        clock[0] += pace.wait()
        pace.take()
    assert waits == [0.0, 0.5, 0.5]
    pace.pause(30.0)
    pace.pause(3.0)
    assert (pace.paused, pace.wait()) == (30.0, 30.0)
    clock[0] += 30.0
    for _ in range(2):
        assert (pace.paused, pace.wait()) == (0.0, 0.0)
        pace.take()
    assert pace.wait() == 0.5
    unlimited = Pace(None, lambda: clock[0])
    for _ in range(9):
        assert unlimited.wait() == 0.0
        unlimited.take()
