"""Audits that are killed at random moments and started again until they end."""

from __future__ import annotations

import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.digits_audit import PROBES, Audit, build, ended, finished, kill
from benchmarks.loopback import Loopback, Manner, started

from birthmark.models.remote.ledger import Ledger
from birthmark.models.remote.schema import Outcome

CONCURRENCY = 8
MOST_AHEAD = 6


@dataclass
class Tally:
    """What came of the kills with one kind of API."""

    kills: int = 0
    audits: int = 0
    asked: int = 0
    answered_again: int = 0
    in_doubt: int = 0
    most_in_doubt: int = 0
    worked_twice: int = 0
    lost: int = 0
    same: int = 0


class Watch:
    """What was answered when an audit was killed, and how often each of it is asked later."""

    def __init__(self, audit: Audit, api: Loopback) -> None:
        self._audit, self._api = audit, api
        self._answered: dict[str, int] = {}
        self.most_in_doubt = 0

    def look(self) -> None:
        """After a kill: note what the ledger holds."""
        if not self._audit.ledger.exists():
            return
        with Ledger.open(self._audit.ledger) as ledger:
            records = list(ledger.records())
        on_their_way = sum(one.outcome is None for one in records)
        self.most_in_doubt = max(self.most_in_doubt, on_their_way)
        asked = self._api.counts()["asked"]
        for one in records:
            if one.outcome is Outcome.ANSWERED:
                digest = one.body_sha256.removeprefix("sha256:")
                self._answered.setdefault(digest, asked[digest])

    def asked_again(self) -> int:
        """How many requests came for what was answered before a kill."""
        asked = self._api.counts()["asked"]
        return sum(asked[digest] - count for digest, count in self._answered.items())


def killed_until_done(audit: Audit, api: Loopback, watch: Watch, rng: Random, most: int) -> int:
    """Kill an audit at most so often, then let it end; how often it was killed.

    A quarter of the kills come at a moment since its start, up to 3 s; the others when 1 to 6
    more requests have arrived and up to 50 ms more have passed.
    """
    kills = 0
    while True:
        before = api.asked()
        process, began = audit.start(), time.monotonic()
        early = rng.random() < 0.25
        moment, requests = rng.uniform(0, 3), before + rng.randint(1, MOST_AHEAD)
        delay = rng.uniform(0, 0.05)
        while (code := ended(process)) is None:
            due = time.monotonic() - began >= moment if early else api.asked() >= requests
            if kills < most and due:
                time.sleep(0 if early else delay)
                kill(process)
                kills += 1
                watch.look()
                shutil.rmtree(audit.folder / "out", ignore_errors=True)  # half a report
                break
            time.sleep(0.01)
        if code is not None:
            if code != 0:
                raise RuntimeError((audit.folder / "said.txt").read_text())
            return kills


def tally(honours: bool, wanted: int, seed: int, fingerprint: Path) -> Tally:
    """Audit after audit, until so many were killed."""
    rng, found = Random(seed), Tally()
    options = ("--concurrency", str(CONCURRENCY), "--timeout", "10")
    plain: dict[str, dict[str, Any]] = {}
    while found.kills < wanted:
        name = ("thief", "innocent")[found.audits % 2]
        weights = str(fingerprint.parent / f"{name}.npz")
        with tempfile.TemporaryDirectory() as folder:
            if name not in plain:
                with started(Manner(weights)) as api:
                    undisturbed = Audit(fingerprint, Path(folder) / "plain", api.url, options)
                    plain[name] = finished(undisturbed)
            with started(Manner(weights, honours=honours)) as api:
                audit = Audit(fingerprint, Path(folder) / "killed", api.url, options)
                watch = Watch(audit, api)
                most = wanted - found.kills
                found.kills += killed_until_done(audit, api, watch, rng, most)
                counts = api.counts()
                found.answered_again += watch.asked_again()
            found.audits += 1
            found.asked += sum(counts["asked"].values())
            found.most_in_doubt = max(found.most_in_doubt, watch.most_in_doubt)
            found.worked_twice += sum(count - 1 for count in counts["worked"].values())
            found.same += audit.result() == plain[name]
            with Ledger.open(audit.ledger) as ledger:
                (suspect,) = ledger.suspects()
                spent = ledger.spent(suspect)
            found.lost += PROBES - spent.answered
            found.in_doubt += spent.in_doubt
        print(f"{found}", flush=True)
    return found


def row(api: str, one: Tally) -> str:
    """A line of the table."""
    return (
        f"| {api} | {one.kills} | {one.audits} | {one.asked} | {one.answered_again} |"
        f" {one.in_doubt} | {one.most_in_doubt} | {one.worked_twice} | {one.lost} |"
        f" {one.same} of {one.audits} |"
    )


def section(seeds: tuple[int, ...] = (0, 1), wanted: int = 25) -> list[str]:
    """The table, as Markdown: so many kills a seed, of each kind."""
    lines = described(seeds)
    with tempfile.TemporaryDirectory() as name:
        build(Path(name))
        for api, honours in (("honours `Idempotency-Key`", True), ("ignores it", False)):
            found = [tally(honours, wanted, seed, Path(name) / "v.birthmark") for seed in seeds]
            lines.append(row(api, together(found)))
    return lines


def together(tallies: list[Tally]) -> Tally:
    """Their sum, and the most of any in doubt at a kill."""
    names = vars(Tally())
    found = Tally(**{name: sum(getattr(one, name) for one in tallies) for name in names})
    found.most_in_doubt = max(one.most_in_doubt for one in tallies)
    return found


def described(seeds: tuple[int, ...]) -> list[str]:
    """What is measured, and the head of the table."""
    return [
        "## Kills",
        "",
        f"`birthmark audit` with {PROBES} probes, `--repeats 0 --concurrency {CONCURRENCY}`, of"
        " a thief and an innocent in turns behind an API that answers in 50 ms, killed by `kill -9`"
        f" at random moments (seeds {seeds[0]} to {seeds[-1]}) and started again until it ends."
        " *Answered, asked again*: requests for what the ledger held an answer to when the audit"
        " was killed. *In doubt*: calls that were written down and not yet recorded as ended at a"
        " kill, so that nobody on this side knows whether the API got them; they are asked again"
        " under the same `Idempotency-Key`, and count as spent. *Most a kill*: of these, with"
        f" {CONCURRENCY} calls at once. *Charged twice*: requests that the API worked on again."
        " *Lost*: probes without a kept answer at the end. *Same result*: verdict, p-value, score"
        " and digest of the answers are those of an audit that nobody disturbed.",
        "",
        "| API | kills | audits | asked | answered, asked again | in doubt | most a kill |"
        " charged twice | lost | same result |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
