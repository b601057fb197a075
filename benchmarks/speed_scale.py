"""Many classes, many references and whole commands: more rows of `speed.py`."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from birthmark.audit.controls import controls
from birthmark.calibration import mantel_each, mantel_of
from birthmark.data.outputs import Kind, Outputs
from birthmark.enrolment.population import among
from birthmark.scores.methods import method

Range = tuple[float, float, float]

PLAIN = """
import io, json, sys, zipfile
import numpy as np, onnxruntime
from PIL import Image

bundle = zipfile.ZipFile(sys.argv[1])
names = [name for name in bundle.namelist() if name.startswith("probes/")]
pixels = np.stack([np.asarray(Image.open(io.BytesIO(bundle.read(name)))) for name in names])
session = onnxruntime.InferenceSession(sys.argv[2])
def ask(some):
    batch = some.astype(np.float32).transpose(0, 3, 1, 2) * (4 / 255) - 2
    return session.run(None, {"image": batch})[0]
suspect = np.concatenate([ask(pixels[i : i + 32]) for i in range(0, len(pixels), 32)])
raw = bundle.read("outputs.safetensors")
size = int.from_bytes(raw[:8], "little")
known = {
    name: np.frombuffer(raw[8 + size :][slice(*one["data_offsets"])], "<f4").reshape(one["shape"])
    for name, one in json.loads(raw[8 : 8 + size]).items() if name != "__metadata__"
}
def matrix(values):
    rows = values / np.linalg.norm(values, axis=1, keepdims=True)
    return rows @ rows.T
mine = matrix(known.pop("victim"))
print(*[np.abs(mine - matrix(one)).mean() for one in (suspect, *known.values())])
"""
"""Plain numpy and onnxruntime that do the published method: correlation matrices' distances."""


def spread(values: Sequence[float]) -> Range:
    """Median, smallest and largest."""
    return statistics.median(values), min(values), max(values)


def answers(
    kind: Kind, n: int, width: int, references: int, *, renamed: bool
) -> tuple[Outputs, Outputs, list[Outputs]]:
    """Simulated answers: what all share and a model's own, as strong; (victim, suspect, others)."""
    rng = np.random.default_rng(0)
    common = rng.normal(size=(n, width)).astype(np.float32)

    def made(seed: int, *, shuffled: bool = False) -> Outputs:
        own = np.random.default_rng(seed)
        values = common + own.normal(size=common.shape).astype(np.float32)
        order = own.permutation(width) if shuffled else np.arange(width)
        return Outputs(np.ascontiguousarray(values[:, order]), kind, width)

    victim, suspect = made(1), made(2, shuffled=renamed)
    return victim, suspect, [made(3 + i) for i in range(references)]


def comparison(
    victim: Outputs, suspect: Outputs, references: Sequence[Outputs]
) -> list[Callable[[], object]]:
    """What an audit computes once the suspect has answered, called derived or not."""
    score = method("partial0.03@natural").score
    lineages = [f"lineage-{i % 8}" for i in range(len(references))]
    return [
        lambda: score(victim, [suspect, *references]),
        lambda: among(score, victim, [suspect, *references]),
        lambda: mantel_of(victim, suspect, references),
        lambda: mantel_each(victim, references, permutations=99),
        lambda: controls(score, victim, suspect, references, 0.01, lineages),
    ]


def comparison_memory(n: int, width: int, references: int, kind: Kind) -> float:
    """Most bytes at once of the answers and a comparison of them, in GiB."""
    given = answers(kind, n, width, references, renamed=kind.tells_classes)
    tracemalloc.start()
    peak = 0
    for work in comparison(*given):
        tracemalloc.reset_peak()
        work()
        peak = max(peak, tracemalloc.get_traced_memory()[1])
    tracemalloc.stop()
    return (peak + (2 + references) * n * width * 4) / (1 << 30)


def comparison_ratio(session: Callable[[], object], images: int, repeats: int) -> Range:
    """Inference of 100 probes and comparing 1,000 renamed classes with 40 references, to inference.

    Parameters
    ----------
    session
        Runs a network of a ResNet-50's cost on so many images.
    images
        How many.
    repeats
        How often.
    """
    given = answers(Kind.LOGITS, 100, 1000, 40, renamed=True)
    ratios = []
    for _ in range(repeats):
        began = time.perf_counter()
        for work in comparison(*given):
            work()
        middle = time.perf_counter()
        session()
        bare = (time.perf_counter() - middle) * 100 / images
        ratios.append((middle - began + bare) / bare)
    return spread(ratios)


def command_ratio(folder: Path, repeats: int) -> Range:
    """`birthmark audit` of an independent model, from start to report, to a plain script."""
    script = folder / "plain.py"
    script.write_text(PLAIN, encoding="utf-8")
    file, suspect = str(folder / "v.birthmark"), str(folder / "other.onnx")
    birthmark = str(Path(sys.executable).parent / "birthmark")
    declared = ["--input", "64x64x3", "--range", "0:1", "--mean", "0.5", "--std", "0.25"]
    declared += ["--output", "logits"]
    ratios = []
    for turn in range(repeats):
        out = ["--out", str(folder / f"audit-{turn}")]
        times = []
        for command in (
            [birthmark, "audit", file, "--suspect", suspect, *declared, *out],
            [sys.executable, str(script), file, suspect],
        ):
            began = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            times.append(time.perf_counter() - began)
        ratios.append(times[0] / times[1])
    return spread(ratios)
