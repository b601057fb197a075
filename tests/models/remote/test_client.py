"""The client asks each question until it is answered, once, and stops where it must."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import models.remote.loopback as api
from birthmark import BirthmarkError
from birthmark.models.remote import Call, Refusal, Reply, Unusable
from birthmark.models.remote.ledger import Ledger
from birthmark.models.remote.schema import Outcome
from models.remote.asking_api import SECRET, accept, calls, client


def failing_first(act: api.Act) -> Callable[[str, int], api.Act]:
    """Every second probe fails the first time it is asked; p0 is answered."""
    return lambda probe, nth: act if nth == 1 and int(probe[1:]) % 2 else api.fine


def records(ledger: Path) -> list[tuple[str, int, Outcome | None]]:
    with Ledger.open(ledger) as opened:
        return [(one.about, one.attempt, one.outcome) for one in opened.records()]


def test_answers_come_in_order_and_are_not_asked_for_again(tmp_path: Path) -> None:
    with api.serving(lambda *_: api.after(0.05)) as service:
        asking = client(tmp_path / "l.db")
        wanted = calls(service.url, 12)
        assert asking.plan(wanted) == (12, 0)
        seen: list[tuple[str, int, int]] = []
        first = asking.fetch(
            [*wanted, wanted[0]], accept, lambda *told: seen.append((told[0], *told[1:]))
        )
        assert [reply.body for reply in first if isinstance(reply, Reply)] == [
            f'{{"probe": "p{i}"}}'.encode() for i in [*range(12), 0]
        ]
        assert seen[-1] == ("Asking api", 12, 12)
        assert asking.plan(wanted) == (0, 12)
        again = client(tmp_path / "l.db").fetch(wanted, lambda *_: pytest.fail("it is known"))
        assert list(again) == list(first[:12])
        assert set(service.probes().values()) == {1}
        assert 1 < service.most_at_once <= 4
        assert len({one.idempotency for one in service.asked}) == 12
    spent = asking.spent()
    assert (spent.calls, spent.answered, spent.failed, spent.in_doubt) == (12, 12, 0, 0)


def test_failed_calls_are_made_again(tmp_path: Path) -> None:
    """With their idempotency key, unless the API answered and would only repeat what it said."""
    acts = (
        (api.fine, 1),
        (api.status(429), 1),
        (api.status(429, Retry_After="0"), 1),
        (api.status(503, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT"), 1),
        (api.status(500), 2),
        (api.status(502), 1),
        (api.status(408), 1),
        (api.reset, 1),
        (api.short, 1),
        (api.garbage, 1),
        (api.silent, 1),
        (api.drip, 1),
        (api.truncated, 2),
        (api.wrong, 2),
        (api.endless, 2),
        (api.bomb, 2),
    )
    with api.serving(lambda p, nth: acts[int(p[1:])][0] if nth == 1 else api.fine) as service:
        asking = client(tmp_path / "l.db", timeout=1.5)
        answers = asking.fetch(calls(service.url, len(acts)), accept)
        assert [type(one) for one in answers] == [Reply] * len(acts)
        for i, (_, keys) in enumerate(acts):
            asked = [one.idempotency for one in service.asked if one.probe == f"p{i}"]
            assert (i, len(asked), len(set(asked))) == (i, min(i, 1) + 1, keys)
    assert [row for row in records(tmp_path / "l.db") if row[0] == "p1.jpg"] == [
        ("p1.jpg", 1, Outcome.FAILED),
        ("p1.jpg", 2, Outcome.ANSWERED),
    ]
    spent = asking.spent()
    assert (spent.calls, spent.failed) == (2 * len(acts) - 1, len(acts) - 1)


def test_a_refusal_is_kept(tmp_path: Path) -> None:
    codes = [200, 400, 413, 414, 415, 422, 451]

    def act(probe: str, _nth: int) -> api.Act:
        return api.status(codes[int(probe[1:])], b"not this") if probe != "p0" else api.fine

    with api.serving(act) as service:
        asking = client(tmp_path / "l.db")
        answers = asking.fetch(calls(service.url, len(codes)), accept)
        for code, answer in zip(codes[1:], answers[1:], strict=True):
            assert isinstance(answer, Refusal)
            assert str(code) in answer.reason
            assert "not this" in answer.reason
        assert list(asking.fetch(calls(service.url, len(codes)), accept)) == list(answers)
        assert set(service.probes().values()) == {1}
    assert asking.spent().refused == 6


def test_a_forbidden_image_is_a_refusal_once_others_were_answered(tmp_path: Path) -> None:
    with api.serving(lambda p, _: api.status(403) if p == "p5" else api.fine) as service:
        asking = client(tmp_path / "l.db", concurrency=1)
        assert isinstance(asking.fetch(calls(service.url, 6), accept)[5], Refusal)


@pytest.mark.parametrize(
    ("code", "fix"),
    [
        (401, "key or password"),
        (403, "key may use this model"),
        (301, "redirects to"),
    ],
)
def test_a_wrong_call_stops_at_once(code: int, fix: str, tmp_path: Path) -> None:
    mended = False
    with api.serving(
        lambda *_: api.fine if mended else api.status(code, Location="http://example.org/")
    ) as service:
        asking = client(tmp_path / "l.db", concurrency=2)
        with pytest.raises(BirthmarkError, match=fix) as caught:
            asking.fetch(calls(service.url, 30), accept)
        assert str(code) in caught.value.problem
        assert "kept" in caught.value.fix
        assert len(service.asked) <= 8
        mended = True
        assert len(asking.fetch(calls(service.url, 30), accept)) == 30


def test_answers_that_are_all_of_no_use_stop_early_and_are_looked_at_again(tmp_path: Path) -> None:
    def misread(_call: Call, _reply: Reply) -> None:
        raise Unusable("has no $.nowhere")

    with api.serving() as service:
        asking = client(tmp_path / "l.db", concurrency=2)
        for _ in range(2):
            with pytest.raises(BirthmarkError, match=r"none useful.*nowhere"):
                asking.fetch(calls(service.url, 30), misread)
            assert len(service.asked) == 8
        asking.fetch(calls(service.url, 30), accept)
        assert set(service.probes().values()) == {1}


def test_a_suspect_that_refuses_everything_stops_early(tmp_path: Path) -> None:
    with api.serving(lambda *_: api.status(422)) as service:
        with pytest.raises(BirthmarkError, match=r"none useful.*422"):
            client(tmp_path / "l.db").fetch(calls(service.url, 30), accept)
        assert len(service.asked) == 8


def test_few_calls_that_all_fail_at_first_are_made_again(tmp_path: Path) -> None:
    with api.serving(lambda _, nth: api.truncated if nth == 1 else api.fine) as service:
        assert len(client(tmp_path / "l.db").fetch(calls(service.url, 2), accept)) == 2


@pytest.mark.parametrize("limit", [{"max_calls": 5}, {"price": 0.1, "max_cost": 0.5}])
def test_a_budget_is_never_exceeded(limit: dict[str, float], tmp_path: Path) -> None:
    failing = failing_first(api.status(500))
    with api.serving(failing) as service:
        for _ in range(2):
            with pytest.raises(BirthmarkError, match="raise the limit and run the same command"):
                client(tmp_path / "l.db", **limit).fetch(calls(service.url, 8), accept)
            assert len(service.asked) == 5
        asking = client(tmp_path / "l.db", price=0.1)
        assert len(asking.fetch(calls(service.url, 8), accept)) == 8
        assert len(service.asked) == 12
    spent = asking.spent()
    assert (spent.calls, spent.answered, spent.failed) == (12, 8, 4)
    if "price" in limit:
        assert spent.cost == pytest.approx(1.2)


def test_it_gives_up_after_so_many_attempts_and_goes_on_later(tmp_path: Path) -> None:
    mended = False
    with api.serving(lambda p, _: api.status(500) if p == "p1" and not mended else api.fine) as it:
        asking = client(tmp_path / "l.db", attempts=3, concurrency=1)
        with pytest.raises(BirthmarkError, match=r"p1\.jpg in 3 attempts \(HTTP 500\)"):
            asking.fetch(calls(it.url, 3), accept)
        assert it.probes()["p1"] == 3
        mended = True
        asking.fetch(calls(it.url, 3), accept)
        assert it.probes() == {"p0": 1, "p1": 4, "p2": 1}


def test_retry_after_holds_all_calls_back(tmp_path: Path) -> None:
    """The least time between two requests is the server's wish, however slow this machine is."""
    act = api.status(429, Retry_After="1")
    with api.serving(lambda p, nth: act if (p, nth) == ("p0", 1) else api.fine) as service:
        client(tmp_path / "l.db", concurrency=1, rate=1000).fetch(calls(service.url, 3), accept)
        times = [one.at for one in service.asked]
        assert min(times[1:]) - times[0] >= 0.99


def test_what_never_reached_the_api_costs_nothing(tmp_path: Path) -> None:
    asking = client(tmp_path / "l.db", attempts=2, price=1.0)
    with pytest.raises(BirthmarkError, match="no connection could be made"):
        asking.fetch(calls("http://127.0.0.1:9/", 2), accept)
    assert (asking.spent().calls, asking.spent().cost) == (0, 0)
    assert {row[2] for row in records(tmp_path / "l.db")} == {Outcome.UNSENT}


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "http://[::1/", "http://a:b@127.0.0.1/"])
def test_an_address_that_is_none_is_told(url: str, tmp_path: Path) -> None:
    with pytest.raises(BirthmarkError, match="address"):
        client(tmp_path / "l.db").fetch(calls(url, 2), accept)


def test_a_header_that_cannot_be_sent_is_told_without_its_value(tmp_path: Path) -> None:
    with api.serving() as service:
        wanted = calls(service.url, 1, {"X-Key": f"{SECRET}\n"})
        with pytest.raises(BirthmarkError, match="header can't be sent") as caught:
            client(tmp_path / "l.db").fetch(wanted, accept)
    assert SECRET not in str(caught.value)


def test_secrets_that_come_back_are_masked_in_the_ledger_and_in_messages(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    login = base64.b64encode(b"user-name:pass-word").decode()
    sent = {"Authorization": f"Basic {login}", "Cookie": "a=1; session=crumbs-crumbs"}
    secrets = [login, "user-name", "pass-word", "crumbs-crumbs", "query-secret", "body-secret"]
    told = " ".join(secrets).encode()

    def asked(url: str) -> list[Call]:
        wanted = calls(f"{url}?token=query-secret", 3, sent)
        return [replace(call, secrets=("body-secret",)) for call in wanted]

    with api.serving(lambda *_: api.status(200, told)) as service:
        answers = client(tmp_path / "l.db").fetch(asked(service.url), lambda *_: None)
        assert [one.body for one in answers if isinstance(one, Reply)] == [
            b" ".join([b"***"] * 6)
        ] * 3
        assert service.asked[0].headers["cookie"] == sent["Cookie"]
        assert service.asked[0].headers["accept-encoding"] == "identity"
    with (
        api.serving(lambda *_: api.status(401, told)) as service,
        pytest.raises(BirthmarkError) as caught,
    ):
        client(tmp_path / "m.db").fetch(asked(service.url), accept)
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    for secret in secrets:
        assert secret.encode() not in kept
        assert secret not in str(caught.value)
        assert secret not in caplog.text
    assert "token=***" in caplog.text
    with Ledger.open(tmp_path / "l.db") as ledger:
        one = next(ledger.records())
    assert one.url.endswith("/v2?token=***")
    assert {"authorization", "cookie"} <= {name.lower() for name in one.headers}


def test_an_own_idempotency_key_wins(tmp_path: Path) -> None:
    with api.serving() as service:
        wanted = calls(service.url, 1, {"idempotency-key": "own"})
        client(tmp_path / "l.db").fetch(wanted, accept)
        assert [one.idempotency for one in service.asked] == ["own"]


def test_no_cookie_is_taken(tmp_path: Path) -> None:
    """It would tell the suspect which calls belong together."""
    with api.serving(lambda *_: api.cookie) as service:
        client(tmp_path / "l.db", concurrency=1).fetch(calls(service.url, 3), accept)
        assert all("cookie" not in one.headers for one in service.asked)


def test_this_machine_is_never_asked_through_a_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with api.serving() as service, api.serving() as proxy:
        for name in ("http_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url.removesuffix("/v2"))
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        client(tmp_path / "l.db").fetch(calls(service.url, 2), accept)
        client(tmp_path / "m.db").fetch(calls("http://birthmark.invalid/", 2), accept)
        assert (len(service.asked), len(proxy.asked)) == (2, 2)


def test_a_ledger_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = Ledger.begin

    def full(ledger: Ledger, description: str) -> int:
        ledger.connection.execute("PRAGMA max_page_count = 20")
        return begin(ledger, description)

    monkeypatch.setattr(Ledger, "begin", full)
    with api.serving(lambda *_: api.status(200, b" " * 70_000)) as service:
        with pytest.raises(BirthmarkError, match=r"l\.db: can't be written .*full"):
            client(tmp_path / "l.db").fetch(calls(service.url, 9), lambda *_: None)
        assert len(service.asked) <= 4


def test_an_answer_that_breaks_our_reader_is_kept(tmp_path: Path) -> None:
    def broken(_call: Call, _reply: Reply) -> None:
        raise ZeroDivisionError

    with api.serving() as service:
        for reader in (broken, accept):
            with contextlib.suppress(ZeroDivisionError):
                client(tmp_path / "l.db").fetch(calls(service.url, 3), reader)
        assert set(service.probes().values()) == {1}


def test_the_rate_is_kept(tmp_path: Path) -> None:
    with api.serving() as service:
        client(tmp_path / "l.db", rate=20.0).fetch(calls(service.url, 30), accept)
        times = [one.at for one in service.asked]
    assert times[-1] - times[0] >= (30 - 20) / 20 * 0.9


def test_limits_out_of_range_are_refused(tmp_path: Path) -> None:
    for name, value in (("concurrency", 0), ("concurrency", 33), ("timeout", 0), ("max_calls", -1)):
        with pytest.raises(BirthmarkError, match=name.replace("_", "-")):
            client(tmp_path / "l.db", **{name: value})
