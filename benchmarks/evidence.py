"""Whether evidence can be altered: single bytes changed in it and in the files that it is about.

python benchmarks/evidence.py --write benchmarks/evidence.md
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import world
from birthmark import BirthmarkError, Fingerprint
from birthmark.audit.answers import answers_bytes
from birthmark.bundle import read_bundle
from birthmark.evidence import Evidence, sign, verify
from birthmark.evidence.keys import new_key, signer_of
from birthmark.evidence.package import evidence_of
from birthmark.evidence.statement import ANSWERS, FINGERPRINT

Refuses = Callable[[bytes], bool]


def made(folder: Path) -> tuple[Evidence, dict[str, bytes]]:
    """Evidence of an audit of the digits' thief, and its files."""
    new_key(folder / "owner.key")
    fingerprint = world.fingerprint_of_digits(n=100)
    fingerprint.save(folder / "v.birthmark")
    suspect = world.as_digits(world.thief(), name="suspect", lineage="linear")
    audited = Fingerprint.open(folder / "v.birthmark").audit_with_answers(suspect)
    files = {
        FINGERPRINT: (folder / "v.birthmark").read_bytes(),
        ANSWERS: answers_bytes(audited.recorded),
    }
    signer = signer_of(str(folder / "owner.key"))
    return sign(audited.result, files[FINGERPRINT], files[ANSWERS], signer), files


def alone(data: bytes) -> bool:
    """Whether evidence with its files enclosed is refused."""
    try:
        evidence = evidence_of(data, "evidence")
    except BirthmarkError:
        return True
    return evidence.to_bytes() != data or not verify(evidence, "evidence").passed


def beside(evidence: Evidence, files: dict[str, bytes], name: str) -> Refuses:
    """Whether a file that is handed over beside the evidence is refused."""
    detached = evidence.model_copy(update={"materials": None})
    return lambda data: not verify(detached, "evidence", files=files | {name: data}).passed


def unread(folder: Path) -> Refuses:
    """Whether a fingerprint is refused by itself, without a seal."""

    def refuses(data: bytes) -> bool:
        (folder / "changed.birthmark").write_bytes(data)
        try:
            read_bundle(folder / "changed.birthmark")
        except BirthmarkError:
            return True
        return False

    return refuses


def refused(data: bytes, refuses: Refuses, changes: int, rng: np.random.Generator) -> int:
    """How many of so many changes of one byte are refused, at random places of all."""
    if refuses(data):
        raise RuntimeError("refused unchanged")
    count = 0
    for place in rng.integers(0, len(data), size=changes):
        changed = bytearray(data)
        changed[place] ^= int(rng.integers(1, 256))
        count += refuses(bytes(changed))
    return count


def page(changes: int, seed: int) -> str:
    """The results as Markdown."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        evidence, files = made(folder)
        data = evidence.to_bytes()
        cases: list[tuple[str, bytes, Refuses, int]] = [
            ("`evidence.json`, all enclosed", data, alone, changes * 4 // 10),
            (
                "the fingerprint beside it",
                files[FINGERPRINT],
                beside(evidence, files, FINGERPRINT),
                changes * 2 // 10,
            ),
            (
                "the answers beside it",
                files[ANSWERS],
                beside(evidence, files, ANSWERS),
                changes * 2 // 10,
            ),
            ("a fingerprint by itself", files[FINGERPRINT], unread(folder), changes * 2 // 10),
        ]
        rng = np.random.default_rng(seed)
        rows = []
        for what, content, refuses, count in cases:
            done = refused(content, refuses, count, rng)
            rows.append(f"| {what} | {len(content):,} | {count:,} | {done:,} |")
        began = time.perf_counter()
        again = verify(evidence, "evidence", repeat=True)
        seconds = time.perf_counter() - began
        if not again.passed:
            raise RuntimeError(f"not repeated: {again.checks}")
    return "\n".join(
        [
            "# Evidence",
            "",
            f"Written by `python benchmarks/evidence.py --changes {changes} --seed {seed} --write"
            f" benchmarks/evidence.md` with Python {platform.python_version()} on"
            f" {platform.machine()}, {os.cpu_count()} cores.",
            "",
            "An audit of handwritten digits with 100 probes and 20 references, signed. One byte at"
            " a random place becomes another one:",
            "",
            "| changed | bytes | changes | refused |",
            "| --- | ---: | ---: | ---: |",
            *rows,
            "",
            "Unchanged, `verify --replay` repeats the result to the last digit in"
            f" {seconds:.2f} s.",
            "",
        ]
    )


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--changes", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    text = page(options.changes, options.seed)
    print(text)
    if options.write:
        options.write.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
