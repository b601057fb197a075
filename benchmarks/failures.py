"""Audits of an API of which one call in five fails."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.digits_audit import PROBES, Audit, build, finished
from benchmarks.loopback import NAMES, Manner, started

SHARE = 0.2
MOST = 6
OPTIONS = ("--concurrency", "8", "--timeout", "1")


def section(seeds: int = 10) -> list[str]:
    """The table, as Markdown."""
    failed: Counter[str] = Counter()
    asked = same = audits = again = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build(folder)
        for suspect in ("thief", "innocent"):
            weights = str(folder / f"{suspect}.npz")
            plain = once(folder, Manner(weights, 0.01), f"{suspect}-plain")[0]
            for seed in range(seeds):
                manner = Manner(weights, 0.01, failing=SHARE, seed=seed)
                result, counts, started_again = once(folder, manner, f"{suspect}-{seed}")
                again += started_again
                failed.update(counts["failed"])
                asked += sum(counts["asked"].values())
                audits += 1
                same += result == plain
                print(suspect, seed, result["verdict"], counts["failed"], flush=True)
    share = sum(failed.values()) / asked
    return [
        "## Failures",
        "",
        f"`birthmark audit` with {PROBES} probes behind an API of which {SHARE:.0%} of the calls"
        f" fail, each in one of six ways by chance: {NAMES}. n = {audits} audits, of a thief and an"
        f" innocent, seeds 0 to {seeds - 1}; `--repeats 0 --concurrency 8 --timeout 1`. *Begun"
        " again*: an answer without the number where others had one is not asked for again at"
        " once; the audit ends with exit code 2, and the same command goes on.",
        "",
        "| audits | calls | failed | begun again | ended | same verdict, p, score and answers |",
        "|---:|---:|---:|---:|---:|---:|",
        f"| {audits} | {asked} | {sum(failed.values())} ({share:.0%}) | {again} times |"
        f" {audits} of {audits} | {same} of {audits} |",
    ]


def once(folder: Path, manner: Manner, name: str) -> tuple[dict[str, Any], dict[str, Any], int]:
    """An audit's result, what the API counted, and how often it was begun again."""
    with started(manner) as api:
        audit = Audit(folder / "v.birthmark", folder / name, api.url, OPTIONS)
        for again in range(MOST):
            try:
                return finished(audit), api.counts(), again
            except RuntimeError as error:
                if "said nothing" not in str(error) or again == MOST - 1:
                    raise
    raise AssertionError
