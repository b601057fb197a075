"""Audits that are killed at random moments and started again until they end."""

from __future__ import annotations

import random
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.digits_audit import (
    PROBES,
    Audit,
    Kill,
    build,
    ended,
    finished,
    kill_audit,
    kill_both,
)
from benchmarks.loopback import Loopback, Manner, started

from birthmark.models.remote.ledger import Ledger

CONCURRENCY = 8
MOST_AHEAD = 6


@dataclass
class Tally:
    """What came of one kind of kill."""

    kills: int = 0
    audits: int = 0
    asked: int = 0
    twice: int = 0
    worked_twice: int = 0
    lost: int = 0
    same: int = 0
    in_doubt: int = 0


def killed_until_done(
    audit: Audit, api: Loopback, kill: Kill, rng: random.Random, most: int
) -> int:
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
                while ended(process) is None:
                    time.sleep(0.005)
                break
            time.sleep(0.01)
        if code is not None:
            if code != 0:
                raise RuntimeError((audit.folder / "said.txt").read_text())
            return kills


def tally(kill: Kill, honours: bool, wanted: int, seed: int, fingerprint: Path) -> Tally:
    """Audit after audit, until so many were killed."""
    rng, found = random.Random(seed), Tally()
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
                most = wanted - found.kills
                found.kills += killed_until_done(audit, api, kill, rng, most)
                counts = api.counts()
            found.audits += 1
            asked, worked = counts["asked"], counts["worked"]
            found.asked += sum(asked.values())
            found.twice += sum(count - 1 for count in asked.values())
            found.worked_twice += sum(count - 1 for count in worked.values())
            result = audit.result()
            found.same += result == plain[name]
            with Ledger.open(audit.ledger) as ledger:
                (suspect,) = ledger.suspects()
                spent = ledger.spent(suspect)
            found.lost += PROBES - spent.answered
            found.in_doubt += spent.in_doubt
        print(f"{found}", flush=True)
    return found


KINDS = (
    ("the audit", "either", kill_audit, False),
    ("audit and sender together", "honours `Idempotency-Key`", kill_both, True),
    ("audit and sender together", "ignores it", kill_both, False),
)


def row(what: str, api: str, one: Tally) -> str:
    """A line of the table."""
    return (
        f"| {what} | {api} | {one.kills} | {one.audits} | {one.asked} | {one.twice} |"
        f" {one.worked_twice} | {one.lost} | {one.same} of {one.audits} | {one.in_doubt} |"
    )


def section(
    seeds: tuple[int, ...] = (0, 1, 2, 3), wanted: tuple[int, ...] = (50, 13, 13)
) -> list[str]:
    """The table, as Markdown: so many kills a seed, of each kind."""
    lines = described(seeds)
    with tempfile.TemporaryDirectory() as name:
        build(Path(name))
        for kind, count in zip(KINDS, wanted, strict=True):
            what, api, kill, honours = kind
            file = Path(name) / "v.birthmark"
            found = [tally(kill, honours, count, seed, file) for seed in seeds]
            lines.append(row(what, api, together(found)))
    return lines


def together(tallies: list[Tally]) -> Tally:
    """Their sum."""
    names = vars(Tally())
    return Tally(**{name: sum(getattr(one, name) for one in tallies) for name in names})


def described(seeds: tuple[int, ...]) -> list[str]:
    """What is measured, and the head of the table."""
    return [
        "## Kills",
        "",
        f"`birthmark audit` with {PROBES} probes, `--repeats 0 --concurrency {CONCURRENCY}`, of"
        " a thief and an"
        " innocent in turns behind an API that answers in 50 ms, killed by `kill -9` at random"
        f" moments (seeds {seeds[0]} to {seeds[-1]}) and started again until it ends."
        " *Asked twice*: requests that"
        " arrived for a probe that had been asked before. *Charged twice*: those that the API"
        " worked on again. *Lost*: probes without a kept answer at the end. *Same result*: verdict,"
        " p-value, score and digest of the answers are those of an audit that nobody disturbed.",
        "",
        "Killing the audit alone is what `kill -9`, Ctrl-C or a closed terminal do. Killing both at"
        " once is what a power failure does: what was on its way is then in doubt, is asked again,"
        f" and is counted as spent; at most {2 * CONCURRENCY} calls a kill, of which half were not"
        " sent yet.",
        "",
        "| killed | API | kills | audits | asked | asked twice | charged twice | lost | same result"
        " | in doubt |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
