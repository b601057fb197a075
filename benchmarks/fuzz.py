"""A million inputs to the readers of files, and what came of them.

python benchmarks/fuzz.py --inputs 1000000 --seed 0 --write benchmarks/reliability/fuzz.md

It can be stopped at any time; started again, it goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

from birthmark.bench.markdown import grid  # noqa: E402
from fuzzing.targets import TARGETS  # noqa: E402

ROUND = 25_000
"""Inputs to one process; what a killed round did is not counted."""
LONGEST = 3600
"""Seconds that a round may take before it counts as hanging."""
LIBRARIES = "atheris", "numpy", "pillow", "pyarrow", "safetensors", "pydantic"


@dataclass
class Totals:
    """What came of a target's inputs so far.

    Attributes
    ----------
    inputs, refused
        How many there were, and how many of them were refused by BirthmarkError.
    seconds
        Of processor time.
    start, peak
        Resident memory of the process in MiB, before the first input and at most.
    slowest
        Seconds of the slowest input.
    edges
        Branches of guiding modules that were covered.
    rounds
        How many there were; each has a seed of its own.
    faults
        Exceptions other than BirthmarkError, by kind and place.
    ended
        Inputs that ended the process, by libFuzzer's word: crash, timeout or oom.
    """

    inputs: int = 0
    refused: int = 0
    seconds: float = 0.0
    start: float = 0.0
    peak: float = 0.0
    slowest: float = 0.0
    edges: int = 0
    rounds: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    ended: dict[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Totals:
        """Those of a folder."""
        file = folder / "totals.json"
        return cls(**json.loads(file.read_text())) if file.exists() else cls()

    def write(self, folder: Path) -> None:
        """Keep them in a folder."""
        passing = folder / "totals.json.part"
        passing.write_text(json.dumps(asdict(self), indent=1) + "\n")
        passing.replace(folder / "totals.json")


def goals(inputs: int) -> dict[str, int]:
    """How many inputs each target gets."""
    shares = sum(target.share for target in TARGETS.values())
    return {name: math.ceil(inputs * target.share / shares) for name, target in TARGETS.items()}


def one_round(name: str, inputs: int, seed: int, state: Path) -> None:
    """Put inputs to a target in a process, and add what came of it to its totals."""
    folder = state / name
    found = folder / "found"
    found.mkdir(parents=True, exist_ok=True)
    before = {file.name for file in found.iterdir()}
    totals, said = Totals.read(folder), folder / "round.json"
    said.unlink(missing_ok=True)
    arguments = [name, f"--inputs={inputs}", f"--seed={seed + totals.rounds + 1}"]
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with (
        tempfile.TemporaryDirectory(dir=memory, prefix="fuzz-") as scratch,
        (folder / "log").open("wb") as log,
    ):
        paths = [str(ROOT / "src"), str(ROOT / "tests")]
        told = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "TMPDIR": scratch}
        told |= {"OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "fuzzing.worker", *arguments, f"--state={folder}"]
        try:
            code = subprocess.run(
                command, env=told, stdout=log, stderr=log, timeout=LONGEST
            ).returncode
        except subprocess.TimeoutExpired:
            code = -1
    done = json.loads(said.read_text()) if said.exists() else {}
    for key in ("inputs", "refused", "seconds"):
        setattr(totals, key, getattr(totals, key) + done.get(key, 0))
    for key in ("start", "peak", "slowest"):
        setattr(totals, key, max(getattr(totals, key), done.get(key, 0)))
    covered = re.findall(rb"cov: (\d+)", (folder / "log").read_bytes())
    totals.edges = max([totals.edges, *map(int, covered)])
    totals.rounds += 1
    totals.faults = dict(Counter(totals.faults) + Counter(done.get("faults", {})))
    if code:
        new = {file.name for file in found.iterdir()} - before
        raw = [n for n in new if not n.endswith(".txt") and f"{n}.txt" not in new]
        ends = [n.partition("-")[0] for n in raw] or ["timeout" if code == -1 else "crash"]
        totals.ended = dict(Counter(totals.ended) + Counter(ends))
    totals.write(folder)


def table(state: Path) -> str:
    """The totals of all targets as Markdown."""
    rows = []
    every = {name: Totals.read(state / name) for name in TARGETS}
    for name, one in every.items():
        faults = sum(one.faults.values()) + one.ended.get("crash", 0)
        rows.append(
            [
                name,
                f"{one.inputs:,}",
                f"{one.refused / max(1, one.inputs):.0%}",
                f"{one.seconds:.0f}",
                f"{one.slowest:.2f}",
                f"{one.start:.0f}",
                f"{one.peak:.0f}",
                str(faults),
                str(one.ended.get("timeout", 0)),
                str(one.ended.get("oom", 0)),
                str(one.edges),
            ]
        )
    done = list(every.values())
    rows.append(
        [
            "**all**",
            f"{sum(one.inputs for one in done):,}",
            "",
            f"{sum(one.seconds for one in done):.0f}",
            f"{max(one.slowest for one in done):.2f}",
            "",
            f"{max(one.peak for one in done):.0f}",
            str(sum(int(row[7]) for row in rows)),
            str(sum(int(row[8]) for row in rows)),
            str(sum(int(row[9]) for row in rows)),
            "",
        ]
    )
    head = ["reader", "inputs", "refused", "processor s", "slowest s", "MiB before", "MiB peak"]
    return grid([*head, "tracebacks", "hangs", "over 1 GiB", "branches"], rows)


def page(state: Path, inputs: int, seed: int) -> str:
    """The fragment of `benchmarks/reliability.md`."""
    reached = sum(Totals.read(state / name).inputs for name in TARGETS) >= inputs
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return f"""## Fuzzed readers

`python benchmarks/fuzz.py --inputs {inputs} --seed {seed}`, Python {platform.python_version()},
{libraries}.{"" if reached else " As far as it came: see the last row."}

{table(state)}

Where a fault was found, the reader was mended, the file kept in `tests/corpus` as `broke-`, and the
reader's inputs begun anew: these are the readers as they are.

A traceback is any exception but BirthmarkError, or a message of more than a line, with control
characters or of over 700 characters. A hang is an input that takes over 20 s. Memory is the
resident memory of the whole process, before the first input and at most; processor seconds include
the fuzzer's own. Branches are those of the Python modules that guide the fuzzer; readers written
in C or Rust guide it less. See [fuzzing](../docs/fuzzing.md).
"""


def main() -> None:
    """Fuzz until every target has had its inputs."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=TARGETS, action="append", help="these targets")
    parser.add_argument("--state", type=Path, default=ROOT / ".fuzz")
    parser.add_argument("--write", type=Path)
    given = parser.parse_args()
    wanted = {n: g for n, g in goals(given.inputs).items() if not given.only or n in given.only}
    while True:
        left = {n: g - Totals.read(given.state / n).inputs for n, g in wanted.items()}
        if max(left.values()) <= 0:
            break
        name = max(left, key=lambda n: left[n] / wanted[n])
        one_round(name, min(ROUND, left[name]), given.seed, given.state)
        one = Totals.read(given.state / name)
        print(f"{name}: {one.inputs} of {wanted[name]}", one.faults, one.ended, flush=True)
        if given.write:
            given.write.parent.mkdir(parents=True, exist_ok=True)
            given.write.write_text(page(given.state, given.inputs, given.seed))


if __name__ == "__main__":
    main()
