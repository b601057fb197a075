"""How long a search takes, and how much memory, in registries of up to a million models."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from birthmark.bench.markdown import grid
from birthmark.registry.index import NAME, PARTIAL, indexed
from birthmark.registry.search import CODE
from birthmark.registry.sketch import WIDTH

SIZES = (1_000, 10_000, 100_000, 1_000_000)
FOLDERS = 100_000
QUERIES = 20
BLOCK = 50_000
COLUMNS = (
    *("models", "index", "index, s", "first query, ms", "median, ms", "median, waited, ms"),
    "peak",
)
SEARCH = """
import json, sys, time
from pathlib import Path
import numpy as np
from birthmark.registry.index import Index
from birthmark.registry.search import nearest
index = Index.opened(Path(sys.argv[1]))
rows, names = index.rows["answers"], index.of("answers")
rng, times = np.random.default_rng(0), []
for _ in range(int(sys.argv[2])):
    query = rng.integers(-60, 61, 2048, np.int8)
    wall, cpu = time.perf_counter(), time.process_time()
    found = [(names[one.place].decode(), one.cosine) for one in nearest(rows, query, 10)]
    times.append((time.process_time() - cpu, time.perf_counter() - wall))
status = Path("/proc/self/status").read_text()
peak = int(status.partition("VmHWM:")[2].split()[0])
cpu, wall = np.array(times).T
print(json.dumps([cpu[0], float(np.median(cpu)), float(np.median(wall)), peak]))
"""
LOOK = """
import json, sys, time
from birthmark.registry import Registry
began = time.process_time()
models = Registry.open(sys.argv[1]).models
print(json.dumps([len(models), time.process_time() - began]))
"""


def section(seed: int) -> str:
    """A table of sizes."""
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        for size in SIZES:
            made = Path(folder) / f"index-{size}"
            took = _index(made, size, seed)
            first, usual, waited, peak = _ran(SEARCH, str(made), str(QUERIES))
            held = sum(one.stat().st_size for one in made.iterdir())
            lines.append(
                [
                    f"{size:,}",
                    f"{held / 2**20:,.0f} MiB",
                    f"{took:.1f}",
                    f"{1000 * first:.0f}",
                    f"{1000 * usual:.1f}",
                    f"{1000 * waited:.1f}",
                    f"{peak / 2**10:,.0f} MiB",
                ]
            )
        looked = _folders(Path(folder) / "registry", seed)
    return "\n\n".join(
        [
            f"Sketches drawn at random; {QUERIES} queries in a process of its own, each compared"
            " with all by their signs, and with 5,000 number by number. Times are of the processor,"
            " since the machine was busy with other work; *waited* is by the clock. *Index, s*:"
            " mean, directions, signs, and how near 499 models come to any other, each time after"
            " models were added. *Peak* is of the whole process, what it reads of mapped files"
            " included.",
            grid(
                COLUMNS,
                lines,
            ),
            f"Opening a registry of {looked[0]:,} models whose index is there (task set of 20"
            f" images checked, all folders listed): {looked[1]:.2f} s. The index of labels is as"
            " large again on the disk, and is mapped only for suspects that tell no more. No index"
            " of neighbours (usearch, faiss) is used: comparing all signs is fast enough.",
        ]
    )


def _index(folder: Path, size: int, seed: int) -> float:
    """Write an index; the seconds that takes, but for reading sketches."""
    folder.mkdir()
    file = folder / "answers.npy"
    sketches = np.lib.format.open_memmap(file, "w+", np.int8, (size, WIDTH))
    rng = np.random.default_rng(seed)
    for start in range(0, size, BLOCK):
        some = sketches[start : start + BLOCK]
        some[:] = rng.integers(-60, 61, some.shape, np.int8)
    began = time.process_time()
    rows, others = indexed(sketches, rng.permutation(size))
    took = time.process_time() - began
    sketches.flush()
    np.save(folder / "names.npy", np.array(_names(size), NAME))
    for kind in PARTIAL:
        np.save(folder / f"{kind}-having.npy", np.zeros(size, bool))
        np.save(folder / f"{kind}.npy", np.zeros((0, WIDTH), np.int8))
        np.save(folder / f"{kind}-codes.npy", np.zeros((0, CODE), np.uint16))
        np.save(folder / f"{kind}-scale.npy", rows.scale[:1])
        np.save(folder / f"{kind}-others.npy", np.zeros(0, np.float32))
    np.save(folder / "answers-codes.npy", rows.codes)
    np.save(folder / "answers-scale.npy", rows.scale)
    np.save(folder / "answers-others.npy", others)
    return took


def _names(size: int) -> list[str]:
    return [f"model-{i:012x}" for i in range(size)]


def _folders(folder: Path, seed: int) -> tuple[int, float]:
    """A registry whose models' folders are empty, but known to its index."""
    from birthmark.data.images import ImageSet
    from birthmark.registry import Registry

    pixels = np.random.default_rng(seed).integers(0, 256, (50, 32, 32, 3), np.uint8)
    registry = Registry.new(folder, ImageSet.from_arrays(pixels), n=20)
    for name in _names(FOLDERS):
        (folder / "models" / name).mkdir()
    _index(folder / "index-000000000000", FOLDERS, seed)
    found = _ran(LOOK, str(registry.folder))
    return int(found[0]), found[1]


def _ran(code: str, *arguments: str) -> list[float]:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    numbers: list[float] = json.loads(done.stdout)
    return numbers
