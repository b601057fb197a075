"""Puts a number of inputs to one reader, guided by coverage: run by benchmarks/fuzz.py."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import sys
import time
import traceback
import warnings
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random

import atheris

LIMIT = 1024
"""Resident memory of the whole process, in MiB."""
PATIENCE = 20
"""Seconds that one input may take."""
SLOW = 1.0
EVERY = 1000
AFRESH = 0.3
"""The share of changes made to a committed file: much of what readers do guides no fuzzer."""
GUIDING = (
    "birthmark",
    "zipfile",
    "tomllib",
    "numpy.lib._format_impl",
    "PIL.PngImagePlugin",
    "PIL.JpegImagePlugin",
    "PIL.TiffImagePlugin",
    "PIL.BmpImagePlugin",
    "PIL.WebPImagePlugin",
    "PIL.PpmImagePlugin",
    "PIL.ImageFile",
)
"""Modules whose branches guide the fuzzer."""


@dataclass
class Progress:
    """What came of a round.

    Attributes
    ----------
    inputs
        How many were put to the reader.
    refused
        How many of them it refused.
    seconds
        Of processor time since the first.
    start, peak
        Resident memory in MiB before the first input, and at most.
    slowest
        Seconds of the slowest input.
    faults
        How often each kind of exception other than BirthmarkError was raised.
    """

    inputs: int = 0
    refused: int = 0
    seconds: float = 0.0
    start: float = 0.0
    peak: float = 0.0
    slowest: float = 0.0
    faults: dict[str, int] = field(default_factory=dict)


def memory() -> float:
    """Peak resident memory of this process, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Fuzz a target as the command line says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("target")
    parser.add_argument("--inputs", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--state", type=Path, required=True)
    given = parser.parse_args()
    guiding = [name for name in GUIDING if name != "zipfile" or given.target == "bundle"]
    with atheris.instrument_imports(include=guiding):
        from fuzzing.mutating import MUTATORS, blindly
        from fuzzing.scratch import CORPUS
        from fuzzing.targets import TARGETS, corpus, refusal
    warnings.simplefilter("ignore")
    target = TARGETS[given.target]
    mutator = MUTATORS.get(given.target, blindly)
    seeds = [file.read_bytes() for file in corpus(given.target)]
    state: Path = given.state
    found = state / "found"
    found.mkdir(parents=True, exist_ok=True)
    refusal(target.read, b"")
    done = Progress(start=memory(), peak=memory())
    begun = time.process_time()

    def save() -> None:
        done.seconds = time.process_time() - begun
        done.peak = memory()
        passing = state / "round.json.part"
        passing.write_text(json.dumps(asdict(done)))
        passing.replace(state / "round.json")

    def keep(kind: str, data: bytes, about: str) -> None:
        name = f"{kind}-{hashlib.sha256(data).hexdigest()[:12]}"
        (found / name).write_bytes(data)
        (found / f"{name}.txt").write_text(about)

    def one(data: bytes) -> None:
        if done.inputs >= given.inputs:
            return
        started = time.monotonic()
        before = memory()
        try:
            done.refused += refusal(target.read, data) is not None
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            ours = [
                frame
                for frame in traceback.extract_tb(error.__traceback__)
                if "birthmark" in frame.filename
            ]
            where = ours[-1] if ours else last
            key = f"{type(error).__name__} {Path(where.filename).name}:{where.lineno}"
            done.faults[key] = done.faults.get(key, 0) + 1
            if done.faults[key] <= 3:
                keep("crash", data, traceback.format_exc())
        took = time.monotonic() - started
        done.inputs += 1
        done.slowest = max(done.slowest, took)
        if took > SLOW:
            keep("slow", data, f"{took:.1f} s\n")
        if memory() > before + 64:
            keep("large", data, f"{before:.0f} to {memory():.0f} MiB\n")
        if done.inputs % EVERY == 0 or done.inputs >= given.inputs:
            save()

    def mutated(data: bytes, longest: int, seed: int) -> bytes:
        rnd = Random(seed)
        chosen = rnd.choice(seeds) if rnd.random() < AFRESH else data
        made = mutator(chosen, rnd, lambda part: bytes(atheris.Mutate(part, longest)))
        return made[:longest]

    grown = state / "corpus"
    grown.mkdir(exist_ok=True)
    arguments = [
        sys.argv[0],
        str(grown),
        str(CORPUS / given.target),
        f"-runs={given.inputs + 200_000}",
        f"-seed={given.seed}",
        f"-max_len={target.longest}",
        f"-timeout={PATIENCE}",
        f"-rss_limit_mb={LIMIT}",
        f"-artifact_prefix={found}/",
        "-mutate_depth=3",
        "-reload=0",
        "-print_final_stats=0",
    ]

    def until_done(data: bytes) -> None:
        one(data)
        if done.inputs >= given.inputs:
            sys.stderr.flush()
            os._exit(0)

    atheris.Setup(arguments, until_done, custom_mutator=mutated)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
