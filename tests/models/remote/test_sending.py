"""What is told of waits, statuses, addresses and secrets."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from birthmark.models.remote.access import Limits
from birthmark.models.remote.masking import secrets_of, shown, without
from birthmark.models.remote.pacing import Budget, Pacer
from birthmark.models.remote.record import Spent
from birthmark.models.remote.sending import build, retry_after
from birthmark.models.remote.statuses import Meaning, fix_of, meaning, said

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
    ("status", "before", "proven"),
    [
        (200, Meaning.ANSWER, Meaning.ANSWER),
        (204, Meaning.ANSWER, Meaning.ANSWER),
        (301, Meaning.WRONG, Meaning.WRONG),
        (400, Meaning.REFUSAL, Meaning.REFUSAL),
        (401, Meaning.WRONG, Meaning.WRONG),
        (403, Meaning.WRONG, Meaning.REFUSAL),
        (404, Meaning.WRONG, Meaning.WRONG),
        (451, Meaning.REFUSAL, Meaning.REFUSAL),
    ],
)
def test_statuses(status: int, before: Meaning, proven: Meaning) -> None:
    assert (meaning(status, False), meaning(status, True)) == (before, proven)


def test_what_was_said_fits_in_a_line() -> None:
    assert said(422, b"no\nfaces\x1b[0m") == "422 Unprocessable Entity: no faces [0m"
    assert said(299, b"") == "299"
    assert len(said(400, b"x" * 5000)) < 250


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        ("https://u:p@a.b:8/c?k=v&l=#f", "https://a.b:8/c?k=***&l=***"),
        ("http://a/", "http://a/"),
        ("http://[::1]:8/x", "http://[::1]:8/x"),
        ("http://[", "***"),
    ],
)
def test_addresses_are_shown_without_secrets(url: str, seen: str) -> None:
    assert shown(url) == seen


def test_secrets_are_masked_and_common_values_are_not() -> None:
    headers = (("Authorization", "Bearer abcdefgh"), ("Content-Type", "image/jpeg"), ("X", "1"))
    secrets = secrets_of("https://user-a:pass%20word@h/?key=letmein", headers)
    text = b"Bearer abcdefgh abcdefgh image/jpeg 1 user-a pass word letmein"
    assert without(text, secrets) == b"*** *** image/jpeg 1 *** *** ***"


def test_a_request_carries_a_login_and_a_key_but_not_twice() -> None:
    request = build("POST", "http://me:word@h/x", {"idempotency-key": "own"}, b"b", "ours")
    headers = {name.lower(): value for name, value in request.headers}
    assert headers[b"authorization"] == b"Basic bWU6d29yZA=="
    assert headers[b"idempotency-key"] == b"own"
    assert headers[b"host"] == b"h"
    assert headers[b"accept-encoding"] == b"identity"
    assert dict(build("GET", "http://h", {}, b"", "ours").headers)[b"Idempotency-Key"] == b"ours"


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


def test_a_pacer_waits_as_long_as_it_must(monkeypatch: pytest.MonkeyPatch) -> None:
    async def pace() -> None:
        loop = asyncio.get_running_loop()
        clock, sleeps = [100.0], []
        monkeypatch.setattr(loop, "time", lambda: clock[0])

        async def sleep(seconds: float) -> None:
            sleeps.append(round(seconds, 6))
            clock[0] += seconds + 1e-9

        monkeypatch.setattr(asyncio, "sleep", sleep)
        pacer = Pacer(2.0)
        for _ in range(3):
            await pacer.turn()
        assert sleeps == [0.5, 0.5]
        pacer.pause(30.0)
        assert pacer.paused
        await pacer.turn()
        assert sleeps[2] == 30.0
        unlimited = Pacer(None)
        for _ in range(9):
            await unlimited.turn()
        assert len(sleeps) == 3
        monkeypatch.undo()

    asyncio.run(pace())


@pytest.mark.parametrize(
    ("status", "fix"), [(404, "model's name"), (405, "method"), (307, "redir")]
)
def test_a_wrong_call_comes_with_a_way_to_mend_it(status: int, fix: str) -> None:
    assert fix in fix_of(status)
    assert meaning(status, True) is Meaning.WRONG
