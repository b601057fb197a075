"""A scan of a hundred suspects whose workers are killed at random, and what more workers reach."""

from __future__ import annotations

import csv
import heapq
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from benchmarks.digits_audit import DECLARED, trained
from sklearn.datasets import load_digits

from birthmark import Fingerprint, ImageSet, as_suspect
from birthmark.bench.markdown import grid
from birthmark.demo.network_file import write_network

DECLARATION = """size = [8, 8]
channels = 1
range = [0, 1]
mean = [0.5]
std = [0.25]
layout = "flat"
output = "probabilities"
"""
SUSPECTS, THIEVES = 100, 20
KILLS = 12
WORKERS = 2
EACH = (4.0, 9.0)
"""Seconds between two kills, drawn between these."""
SUSPECTS_SIMULATED = (1_000, 10_000, 100_000)
WORKERS_SIMULATED = (1, 10, 100, 1000)


def section(seed: int) -> str:
    """The scan undisturbed, with kills, and simulated."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build(folder)
        plain, seconds = scanned(folder, "plain", 1)
        killed, kills, calls = _killed(folder, seed)
        spent = _times(folder / "plain")
    once = len({row["suspect"] for row in killed}) == len(killed) == SUSPECTS
    of_killed = str(WORKERS), "", str(kills), str(calls), str(len(killed))
    rng = np.random.default_rng(seed)
    lines = []
    for count in SUSPECTS_SIMULATED:
        tasks = rng.choice(spent, count).tolist()
        total = sum(tasks)
        line = [f"{count:,}"]
        for workers in WORKERS_SIMULATED:
            ended = makespan(tasks, workers)
            line.append(f"{total / (workers * ended):.2f} ({ended / 60:,.1f} min)")
        lines.append(line)
    return "\n\n".join(
        [
            f"{SUSPECTS} linear models of digits as ONNX files, {THIEVES} of them learnt from the"
            " victim; one fingerprint of 40 probes. A kill is SIGKILL to a worker drawn at random,"
            f" {EACH[0]:g} to {EACH[1]:g} s after the one before; every fourth goes to the scan"
            " itself, which is then called again.",
            grid(
                ["scan", "workers", "seconds", "kills", "calls", "results", "table as undisturbed"],
                [
                    ["undisturbed", "1", f"{seconds:.0f}", "0", "1", str(len(plain)), ""],
                    ["killed", *of_killed, _same(killed, plain)],
                ],
            ),
            f"Every suspect has one result: {'yes' if once else 'no'}.",
            "### What more workers reach",
            f"Simulated from the {len(spent)} measured times of the undisturbed scan by one worker"
            f" (median {np.median(spent):.2f} s, longest {max(spent):.2f} s): suspects drawn from"
            " these go to the worker that is free first. Efficiency is the sum of all times over"
            " workers times the time it takes; beside it that time.",
            grid(["suspects", *(f"{workers:,} at a time" for workers in WORKERS_SIMULATED)], lines),
            "Suspects don't wait for each other, so little is lost while there are some tens of"
            " suspects a worker; with fewer the longest one decides. Not in the simulation: the"
            " shared folder (a suspect reads its file and the fingerprints, and writes some tens of"
            " KB), and one long suspect among many short ones, which nothing divides.",
        ]
    )


def _same(table: list[dict[str, str]], plain: list[dict[str, str]]) -> str:
    return "yes" if table == plain else "no"


def build(folder: Path) -> None:
    """v.birthmark and a folder of suspects, which are linear."""
    digits = load_digits()
    victim = trained(slice(0, 200))
    references = [
        as_suspect(trained(slice(200 + 10 * i, 500 + 10 * i)), DECLARED, name=f"{i}", lineage=one)
        for i, one in enumerate(["linear"] * 12)
    ]
    own = as_suspect(victim, DECLARED, name="victim", lineage="linear")
    images = (digits.images[1000:1400] * 255 / 16).astype(np.uint8)
    pictures = ImageSet.from_arrays(images, digits.target[1000:1400], source="digits")
    Fingerprint.enroll(own, pictures, references, n=40, start="random").save(folder / "v.birthmark")
    (folder / "suspects").mkdir()
    (folder / "suspects" / "birthmark.toml").write_text(DECLARATION)
    for i in range(SUSPECTS):
        part = slice(200 + 5 * i, 500 + 5 * i)
        made = trained(part, victim) if i < THIEVES else trained(part)
        write_network(made, folder / "suspects" / f"{i:03d}.onnx")


def _command(out: str, workers: int) -> list[str]:
    return [
        *(sys.executable, "-m", "birthmark", "compare", "v.birthmark", "suspects"),
        *("--out", out, "--workers", str(workers)),
    ]


def scanned(folder: Path, out: str, workers: int) -> tuple[list[dict[str, str]], float]:
    """The table of a scan that nobody disturbs, and its seconds."""
    began = time.perf_counter()
    subprocess.run(_command(out, workers), cwd=folder, check=True, capture_output=True)
    return _table(folder / out), time.perf_counter() - began


def _table(out: Path) -> list[dict[str, str]]:
    with (out / "table.csv").open() as file:
        return list(csv.DictReader(file))


def _killed(folder: Path, seed: int) -> tuple[list[dict[str, str]], int, int]:
    """The table in the end, how often something was killed, and how often the scan was called."""
    rng, kills, calls = random.Random(seed), 0, 0
    while True:
        calls += 1
        with (folder / "said.txt").open("w") as said:
            process = subprocess.Popen(
                _command("killed", WORKERS), cwd=folder, stdout=said, stderr=said
            )
        due = time.monotonic() + rng.uniform(*EACH)
        while process.poll() is None:
            if kills < KILLS and time.monotonic() >= due:
                workers = _workers(process.pid)
                if kills % 4 == 3:
                    process.kill()
                elif workers:
                    os.kill(rng.choice(workers), signal.SIGKILL)
                else:
                    time.sleep(0.05)
                    continue
                kills += 1
                due = time.monotonic() + rng.uniform(*EACH)
            time.sleep(0.02)
        if process.returncode == 0 and "Not compared" not in (folder / "said.txt").read_text():
            return _table(folder / "killed"), kills, calls
        if process.returncode not in (0, -signal.SIGKILL):
            raise RuntimeError((folder / "said.txt").read_text())


def _workers(pid: int) -> list[int]:
    """Processes of a scan that compare suspects: they have begun one."""
    found = []
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        try:
            line = Path(f"/proc/{child}/cmdline").read_bytes()
        except OSError:
            continue
        if b"loky" in line and b"tracker" not in line:
            found.append(int(child))
    return found


def _times(out: Path) -> list[float]:
    """Seconds between the folders of a scan by one worker."""
    moments = sorted(one.stat().st_mtime for one in (out / "suspects").iterdir())
    return np.diff(moments).tolist()


def makespan(tasks: Sequence[float], workers: int) -> float:
    """When the last task ends, each going to the worker that is free first."""
    free = [0.0] * workers
    for seconds in tasks:
        heapq.heappush(free, heapq.heappop(free) + seconds)
    return max(free)
