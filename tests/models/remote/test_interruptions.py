"""Audits that are killed or stopped keep what was answered, and ask only what was on its way."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

import models.remote.loopback as api
from birthmark.models.remote.ledger import Ledger
from birthmark.models.remote.schema import Outcome
from models.remote.asking_api import accept, calls, client

PROBES, CONCURRENCY = 16, 4
SCRIPT = Path(__file__).parent / "asking_api.py"


def started(ledger: Path, url: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), str(ledger), url, str(PROBES), str(CONCURRENCY)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_until(condition: Callable[[], bool]) -> None:
    for _ in range(3000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it never happened")


def outcomes(ledger: Path) -> Counter[Outcome | None]:
    with Ledger.open(ledger) as opened:
        return Counter(one.outcome for one in opened.records())


@pytest.mark.parametrize("seed", [0, 1])
def test_after_a_kill_only_what_was_on_its_way_is_asked_again(seed: int, tmp_path: Path) -> None:
    """By the same idempotency key, and it is counted; each run is killed after some requests."""
    rng, ledger, kills = random.Random(seed), tmp_path / "l.db", 0
    answered: dict[str, int] = {}
    with api.serving(lambda *_: api.after(0.05)) as service:
        while True:
            process = started(ledger, service.url)
            moment = len(service.asked) + rng.randint(1, 8)
            wait_until(lambda m=moment, p=process: len(service.asked) >= m or p.poll() is not None)  # type: ignore[misc]
            if process.poll() is not None:
                said, _ = process.communicate()
                break
            process.kill()
            process.communicate()
            kills += 1
            assert outcomes(ledger)[None] <= CONCURRENCY
            for one in Ledger.open(ledger).records():
                if one.outcome is Outcome.ANSWERED:
                    probe = one.about.removesuffix(".jpg")
                    answered.setdefault(probe, service.probes()[probe])
        assert f"all {PROBES}" in said
        whole = [one for one in service.asked if one.probe]  # the kill may cut off a body
        again = len(whole) - PROBES
        assert {probe: service.probes()[probe] for probe in answered} == answered
        assert len({(one.probe, one.idempotency) for one in whole}) == PROBES
    spent = client(ledger).spent()
    assert spent.answered == PROBES
    assert again <= spent.in_doubt <= kills * CONCURRENCY
    assert spent.calls == PROBES + spent.in_doubt


def test_ctrl_c_lets_what_is_on_its_way_end(tmp_path: Path) -> None:
    with api.serving(lambda *_: api.after(0.3)) as service:
        process = started(tmp_path / "l.db", service.url)
        wait_until(lambda: len(service.asked) >= 5)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=60)
        assert process.returncode == 130
        assert "Stopping: waiting for the calls under way" in said
        assert "stopped; the answers so far are kept in" in said
        assert "the same command continues from there" in said
        assert "Traceback" not in said
        assert outcomes(tmp_path / "l.db")[Outcome.ANSWERED] == len(service.asked) < PROBES
        client(tmp_path / "l.db").fetch(calls(service.url, PROBES), accept)
        assert set(service.probes().values()) == {1}


def test_a_second_ctrl_c_ends_at_once(tmp_path: Path) -> None:
    with api.serving(lambda p, _: api.fine if p == "p0" else api.silent) as service:
        process = started(tmp_path / "l.db", service.url)
        wait_until(lambda: len(service.asked) >= 4)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.stdout is not None
        while "Stopping" not in process.stdout.readline():
            pass
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=60)
        assert time.monotonic() - began < 1.5
        assert process.returncode == 130
        assert "calls under way may or may not have arrived" in said
        assert "Traceback" not in said
    assert client(tmp_path / "l.db").spent().in_doubt >= 3


def test_two_audits_on_one_ledger_ask_nothing_twice(tmp_path: Path) -> None:
    with api.serving(lambda *_: api.after(0.3)) as service:
        first = started(tmp_path / "l.db", service.url)
        wait_until(lambda: len(service.asked) >= 1)
        second = started(tmp_path / "l.db", service.url)
        said = [process.communicate(timeout=60)[0] for process in (first, second)]
        assert all(f"all {PROBES}" in one for one in said)
        assert set(service.probes().values()) == {1}


def test_a_loop_that_runs_already_is_left_alone(tmp_path: Path) -> None:
    """As in a notebook."""

    async def notebook(url: str) -> int:
        return len(client(tmp_path / "l.db").fetch(calls(url, 6), accept))

    with api.serving() as service:
        assert asyncio.run(notebook(service.url)) == 6


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_in_a_notebook(times: int, tmp_path: Path) -> None:
    async def notebook(url: str) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        client(tmp_path / "l.db").fetch(calls(url, PROBES), accept)

    def interrupting(service: api.Service) -> None:
        wait_until(lambda: len(service.asked) >= 5)
        for _ in range(times):
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            time.sleep(0.1)

    with api.serving(lambda *_: api.after(0.5)) as service:
        thread = threading.Thread(target=interrupting, args=(service,))
        thread.start()
        with pytest.raises(KeyboardInterrupt, match="continues from there") as caught:
            asyncio.run(notebook(service.url))
        thread.join()
        assert ("may or may not have arrived" in str(caught.value)) == (times == 2)
    assert (client(tmp_path / "l.db").spent().in_doubt > 0) == (times == 2)
