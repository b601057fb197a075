"""Audits that are killed or stopped ask nothing twice and lose nothing."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

import models.remote.loopback as api
from birthmark.models.remote.ledger import Ledger
from birthmark.models.remote.schema import Outcome
from models.remote.asking_api import accept, calls, client

PROBES = 16
SCRIPT = Path(__file__).parent / "asking_api.py"


@pytest.fixture(autouse=True)
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def started(ledger: Path, url: str, concurrency: int = 4) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), str(ledger), url, str(PROBES), str(concurrency)],
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


def children(process: int) -> list[int]:
    text = Path(f"/proc/{process}/task/{process}/children").read_text()
    return [int(one) for one in text.split()]


def kill_audit(process: subprocess.Popen[str]) -> None:
    process.kill()


def kill_both(process: subprocess.Popen[str]) -> None:
    couriers = children(process.pid)
    process.kill()
    for one in couriers:
        os.kill(one, signal.SIGKILL)


def interrupted_until_done(
    ledger: Path, service: api.Service, kill: Callable[[subprocess.Popen[str]], None], seed: int
) -> str:
    """Kill each run once some more requests than before have arrived, chosen by the seed."""
    rng = random.Random(seed)
    while True:
        process = started(ledger, service.url)
        moment = len(service.asked) + rng.randint(1, 8)
        wait_until(
            lambda p=process, m=moment: len(service.asked) >= m or p.poll() is not None  # type: ignore[misc]
        )
        if process.poll() is not None:
            assert process.stdout is not None
            return process.stdout.read()
        kill(process)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


@pytest.mark.parametrize("seed", [0, 1])
def test_an_audit_that_is_killed_asks_nothing_twice(seed: int, tmp_path: Path) -> None:
    with api.serving(lambda *_: api.after(0.05)) as service:
        said = interrupted_until_done(tmp_path / "l.db", service, kill_audit, seed)
        assert f"all {PROBES}" in said
        assert service.probes() == {f"p{i}": 1 for i in range(PROBES)}
    spent = client(tmp_path / "l.db").spent()
    assert (spent.calls, spent.answered, spent.in_doubt) == (PROBES, PROBES, 0)


def test_what_is_in_doubt_is_asked_again_by_the_same_key_and_counted(tmp_path: Path) -> None:
    if not Path(f"/proc/self/task/{os.getpid()}/children").exists():
        pytest.skip("this kernel does not tell a process's children")
    with api.serving(lambda *_: api.after(0.05)) as service:
        said = interrupted_until_done(tmp_path / "l.db", service, kill_both, 2)
        assert f"all {PROBES}" in said
        twice = [probe for probe, count in service.probes().items() if count > 1]
        keys = {(one.probe, one.idempotency) for one in service.asked}
        assert len(keys) == PROBES
    spent = client(tmp_path / "l.db").spent()
    assert spent.answered == PROBES
    assert len(twice) <= spent.in_doubt
    assert spent.calls == PROBES + spent.in_doubt >= len(service.asked)


def test_ctrl_c_says_what_is_kept(tmp_path: Path) -> None:
    with api.serving(lambda *_: api.after(0.3)) as service:
        process = started(tmp_path / "l.db", service.url)
        wait_until(lambda: len(service.asked) >= 5)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=60)
        assert process.returncode == 130
        assert "the same command goes on from there" in said
        assert "Traceback" not in said
        asked = service.probes()
        with Ledger.open(tmp_path / "l.db") as ledger:
            outcomes = Counter(one.outcome for one in ledger.records())
            assert outcomes[Outcome.ANSWERED] == len(asked)
            assert not outcomes[None]
            assert "what was answered is kept in" in said
        client(tmp_path / "l.db").fetch(calls(service.url, PROBES), accept)
        assert set(service.probes().values()) == {1}


def test_two_audits_on_one_ledger_ask_nothing_twice(tmp_path: Path) -> None:
    slow = [0.3]

    def act(_probe: str, _nth: int) -> api.Act:
        seconds, slow[0] = slow[0], min(slow[0], 0.3)
        return api.after(seconds)

    with api.serving(act) as service:
        first = started(tmp_path / "l.db", service.url)
        wait_until(lambda: len(service.asked) >= 1)
        slow[0] = 3.0
        second = started(tmp_path / "l.db", service.url)
        said = [process.communicate(timeout=60)[0] for process in (first, second)]
        assert all(f"all {PROBES}" in one for one in said)
        assert set(service.probes().values()) == {1}


def test_the_death_of_the_sender_is_told(tmp_path: Path) -> None:
    with api.serving(lambda *_: api.after(0.2)) as service:
        process = started(tmp_path / "l.db", service.url)
        wait_until(lambda: len(service.asked) >= 6)
        for one in children(process.pid):
            os.kill(one, signal.SIGKILL)
        said, _ = process.communicate(timeout=60)
        assert process.returncode != 0
        assert "the process that sends was ended" in said
        client(tmp_path / "l.db").fetch(calls(service.url, PROBES), accept)
        assert max(service.probes().values()) <= 2
