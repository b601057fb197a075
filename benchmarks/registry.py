"""Looking a suspect up among many protected models: is the victim found, how fast, at what rate.

python benchmarks/registry.py recall --write benchmarks/registry.md
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import time
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from birthmark import __version__

FIRST = """# Many protected models

A suspect is asked one task set, and audited by the fingerprints of the ten models that answer most
alike ([how](../docs/how-to/scan-a-hub.md)). Each part below names the command that wrote it.
"""
ZOOS = (
    *("objects", "pretrained", "emotion", "faces"),
    *("diverse", "emotion-diverse", "objects-large"),
)
PARTS = {
    "recall": "Is the victim among the nearest ten?",
    "weights": "Is a copy's file found by its weights?",
    "rate": "How often is an innocent accused?",
    "size": "Time and memory",
    "address": "A registry at an address",
    "scan": "A scan whose workers are killed",
}


def written(
    name: str, seed: int, answers: Path, keep: Path, zoos: Sequence[str], files: Sequence[Path]
) -> str:
    """A part of the page."""
    if name == "weights":
        from benchmarks.registry_weights import section as by_weights

        return by_weights(files)
    if name == "recall":
        from benchmarks.registry_recall import section

        return section(answers, seed, keep, zoos)
    if name == "rate":
        from benchmarks.registry_rate import section as rate

        return rate(answers)
    if name == "size":
        from benchmarks.registry_size import section as size

        return size(seed)
    if name == "address":
        from benchmarks.registry_address import section as address

        return address(seed)
    from benchmarks.registry_scan import section as scan

    return scan(seed)


def main() -> None:
    """Measure a part, and put it in its place on the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--answers", type=Path, default=Path("benchmarks/answers"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=Path(".registry"))
    parser.add_argument("--zoos", nargs="+", default=ZOOS)
    parser.add_argument(
        "--zoo", type=Path, nargs="+", action="extend", default=[], help="folders, for weights"
    )
    parser.add_argument("--write", type=Path, required=True)
    args = parser.parse_args()
    began = time.perf_counter()
    text = written(args.part, args.seed, args.answers, args.keep, args.zoos, args.zoo)
    minutes = (time.perf_counter() - began) / 60
    zoos = " --zoo ZOO ..." if args.zoo else ""
    by = (
        f"Written by `python benchmarks/registry.py {args.part}{zoos} --write"
        " benchmarks/registry.md`"
        f" (birthmark {__version__}, numpy {np.__version__}, {platform.machine()},"
        f" {os.cpu_count()} cores shared with other work, one thread; {minutes:.1f} minutes)."
    )
    page = args.write.read_text() if args.write.exists() else FIRST
    _, *sections = re.split(r"^## ", page, flags=re.MULTILINE)
    kept = {one.partition("\n")[0]: one.partition("\n")[2].strip() for one in sections}
    kept[PARTS[args.part]] = f"{by}\n\n{text}"
    parts = [f"## {title}\n\n{kept[title]}\n" for title in PARTS.values() if title in kept]
    args.write.write_text("\n".join([FIRST, *parts]))


if __name__ == "__main__":
    main()
