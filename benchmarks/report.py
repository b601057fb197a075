"""How large reports are and how long they take, as ratios to a limit.

python benchmarks/report.py --write benchmarks/report.md
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from PIL import Image as Pillow

from birthmark import Fingerprint, ImageSet, as_suspect
from birthmark.audit.audit import Audited
from birthmark.report.folder import write_audit

PROBES, REFERENCES = 100, 40
MOST_BYTES, MOST_SECONDS = 2_000_000, 3.0


class Case(NamedTuple):
    """Probes and answers of one form.

    Attributes
    ----------
    method
        The fingerprint's.
    side, channels
        Of the probes, in pixels.
    classes
        How many numbers a model answers with.
    """

    method: str
    side: int
    channels: int
    classes: int


CASES = [
    Case("partial0.03@jpeg25", 48, 1, 7),
    Case("partial0.03@jpeg25", 224, 3, 10),
    Case("partial0.03@natural", 224, 3, 10),
    Case("partial0.03@jpeg25", 224, 3, 100),
    Case("sac-jc", 224, 3, 1000),
    Case("sac-cosine-pearson@jpeg25", 224, 3, 10),
]


class Measured(NamedTuple):
    """Bytes, and seconds of the clock and of the processor by repeat."""

    size: int
    clock: list[float]
    processor: list[float]


def pictures(case: Case, count: int) -> ImageSet:
    """Images with as much detail as photographs have: smooth shapes and some noise."""
    rng = np.random.default_rng(0)
    shape = (16, 16) if case.channels == 1 else (16, 16, 3)
    made = []
    for _ in range(count):
        coarse = Pillow.fromarray(rng.integers(0, 256, shape, dtype=np.uint8))
        smooth = np.asarray(coarse.resize((case.side, case.side), Pillow.Resampling.BICUBIC))
        noisy = smooth + rng.normal(0, 8, smooth.shape)
        made.append(noisy.clip(0, 255).astype(np.uint8))
    return ImageSet.from_arrays(np.stack(made))


def audited(case: Case) -> tuple[Fingerprint, Audited]:
    """A fingerprint with 40 references, and a suspect between victim and references."""
    rng = np.random.default_rng(1)
    inputs = 16 * 16 * case.channels
    common, *own = rng.normal(size=(REFERENCES + 2, inputs, case.classes)).astype(np.float32)
    declared = {
        "size": (16, 16),
        "channels": case.channels,
        "range": (0, 1),
        "mean": (0.5,),
        "std": (0.25,),
        "output": "logits",
    }

    def linear(weights: np.ndarray[tuple[int, ...], np.dtype[np.float32]], i: int) -> object:
        def answer(batch: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> object:
            return batch.reshape(len(batch), -1) @ weights

        return as_suspect(answer, declared, name=f"model-{i}", lineage=f"lineage-{i % 4}")

    victim, *references = (linear(common + one, i) for i, one in enumerate(own))
    suspect = linear(common + 0.7 * own[0] + 0.3 * own[1], REFERENCES + 1)
    fingerprint = Fingerprint.enroll(
        victim, pictures(case, 2 * PROBES), references, n=PROBES, method=case.method
    )
    return fingerprint, fingerprint.audit_with_answers(suspect)


def measured(case: Case, repeats: int) -> Measured:
    """Write the audit's folder several times, after one that does not count."""
    fingerprint, done = audited(case)
    clock, processor = [], []
    with tempfile.TemporaryDirectory() as name:
        for i in range(repeats + 1):
            began = time.perf_counter(), time.process_time()
            write_audit(fingerprint.bundle, done, Path(name) / str(i))
            clock.append(time.perf_counter() - began[0])
            processor.append(time.process_time() - began[1])
        size = (Path(name) / "0" / "report.html").stat().st_size
    return Measured(size, clock[1:], processor[1:])


def row(case: Case, found: Measured) -> str:
    """A row of the table."""
    seconds = [
        f"{statistics.median(times) / MOST_SECONDS:.2f} | {max(times) / MOST_SECONDS:.2f}"
        for times in (found.clock, found.processor)
    ]
    colour = "grey" if case.channels == 1 else "colour"
    return (
        f"| `{case.method}` | {case.side}x{case.side} {colour} | {case.classes}"
        f" | {found.size / MOST_BYTES:.2f} | {' | '.join(seconds)} |"
    )


def main() -> None:
    """Measure, print as it goes, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--write", type=Path)
    args = parser.parse_args()
    rows = []
    for case in CASES:
        rows.append(row(case, measured(case, args.repeats)))
        print(rows[-1], flush=True)
    text = "\n".join(
        [
            "# Size and time of reports",
            "",
            "Written by `python benchmarks/report.py --write benchmarks/report.md`: an audit's"
            f" folder with `result.json`, answers and `report.html`, {PROBES} probes,"
            f" {REFERENCES} references; n = {args.repeats} repeats after a warm-up, seeds 0 and 1."
            f" Ratios to {MOST_BYTES / 1e6:g} MB and {MOST_SECONDS:g} s: below 1 keeps the limit."
            " Clock: as a user waits, beside whatever else the machine did. Processor: what the"
            " work itself took.",
            "",
            f"Machine: {os.cpu_count()} cores, {platform.system()} {platform.machine()}; Python"
            f" {platform.python_version()}, numpy"
            f" {np.__version__}, matplotlib {version('matplotlib')}, load"
            f" {os.getloadavg()[0]:.1f} at the end.",
            "",
            "| method | probes | classes | size | clock, median | clock, largest"
            " | processor, median | processor, largest |",
            "|---|---|---:|---:|---:|---:|---:|---:|",
            *rows,
        ]
    )
    if args.write:
        args.write.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
