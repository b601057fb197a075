"""How fast Birthmark is, as ratios to bare work or to a limit, taken in one run.

python -m benchmarks.speed --write benchmarks/speed.md
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
import tracemalloc
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from benchmarks.speed_scale import command_ratio, comparison_memory, comparison_ratio, spread
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from PIL import Image as Pillow

from birthmark import Fingerprint, ImageSet, as_suspect
from birthmark.data.outputs import Kind, Outputs
from birthmark.models.sandbox import Sandboxed
from birthmark.scores.correlation import (
    Correlation,
    correlation_matrix,
    mean_absolute_differences,
    units,
)

PROBES, SIDE, CLASSES, REFERENCES, LINEAGES = 1000, 64, 50, 40, 8
SMALL, HEAVY = 8, 297
DECLARED = {
    "size": (SIDE, SIDE),
    "channels": 3,
    "range": (0, 1),
    "mean": (0.5,),
    "std": (0.25,),
    "output": "logits",
}


def seconds(work: Callable[[], object]) -> float:
    """How long one run takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def compared(
    ours: Callable[[], object], bare: Callable[[], object], repeats: int
) -> tuple[float, float, float]:
    """Median, smallest and largest of ours / bare over runs taken in turns, after one of each."""
    ours(), bare()
    return spread([seconds(ours) / seconds(bare) for _ in range(repeats)])


def network(seed: int, width: int, changed: float = 0.0) -> bytes:
    """Four convolutions and a linear layer on (n, 3, 64, 64), with random weights, as ONNX.

    Width 32 costs 49 million multiplications an image; 64 costs 195 million, about as many as
    a ResNet-18 made for ImageNet at this size. `changed` is the share by which weights differ from
    those of the seed.
    """
    rng, other = np.random.default_rng(seed), np.random.default_rng(seed + 1000)
    widths = (3, width, 2 * width, 4 * width, 4 * width)
    nodes, weights, last = [], [], "image"
    for i in range(4):
        shape = (widths[i + 1], widths[i], 3, 3)
        kernel = rng.normal(size=shape) * np.sqrt(2 / np.prod(shape[1:]))
        kernel *= 1 + changed * other.normal(size=shape)
        weights.append(numpy_helper.from_array(kernel.astype(np.float32), f"w{i}"))
        strides = [1, 1] if i == 0 else [2, 2]
        nodes.append(
            helper.make_node("Conv", [last, f"w{i}"], [f"c{i}"], pads=[1] * 4, strides=strides)
        )
        nodes.append(helper.make_node("Relu", [f"c{i}"], [f"r{i}"]))
        last = f"r{i}"
    linear = (rng.normal(size=(widths[-1], CLASSES))).astype(np.float32)
    weights += [numpy_helper.from_array(linear, "linear")]
    nodes += [
        helper.make_node("GlobalAveragePool", [last], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("MatMul", ["flat", "linear"], ["logits"]),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, SIDE, SIDE])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", CLASSES])
    graph = helper.make_graph(nodes, "network", [image], [logits], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    content: bytes = model.SerializeToString()
    return content


def fingerprint(folder: Path, width: int) -> Path:
    """A fingerprint with 1,000 probes of smooth random images and 40 small references."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (PROBES, 8, 8, 3), dtype=np.uint8)
    images = np.stack([np.asarray(Pillow.fromarray(one).resize((SIDE, SIDE))) for one in coarse])
    for name, content in (
        ("victim", network(0, width)),
        ("other", network(1, width)),
        ("copy", network(0, width, 0.02)),
    ):
        (folder / f"{name}.onnx").write_bytes(content)
    references = []
    for i in range(REFERENCES):
        file = folder / f"reference-{i}.onnx"
        file.write_bytes(network(2 + i, SMALL))
        references.append(as_suspect(file, DECLARED, lineage=f"lineage-{i % LINEAGES}"))
    made = Fingerprint.enroll(
        as_suspect(folder / "victim.onnx", DECLARED, lineage="lineage-0"),
        ImageSet.from_arrays(images),
        references,
        method="partial0.03@natural",
        n=PROBES,
        start="random",
    )
    made.save(folder / "v.birthmark")
    return folder / "v.birthmark"


def enrolment_memory(folder: Path) -> int:
    """Most bytes that enrolling takes, of this process and all that it starts.

    Proportional set sizes: what processes share is divided among them. What this process held
    before is taken off.
    """
    before, most, over = _held(), 0, threading.Event()

    def watch() -> None:
        nonlocal most
        while not over.wait(0.05):
            most = max(most, _held())

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        fingerprint(folder, 64)
    finally:
        over.set()
        watching.join()
    return most - before


def _held() -> int:
    """Proportional set size of this process and all below it, where Linux tells."""
    parents: dict[int, list[int]] = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = file.read_text().rpartition(")")[2].split()
            parents.setdefault(int(fields[1]), []).append(int(file.parent.name))
    waiting, total = [os.getpid()], 0
    while waiting:
        one = waiting.pop()
        waiting += parents.get(one, [])
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) << 10
    return total


def audit_ratio(folder: Path, name: str, repeats: int) -> tuple[float, float, float]:
    """Audit of an ONNX model against bare onnxruntime and Pillow on the same probes."""
    suspect = as_suspect(folder / f"{name}.onnx", DECLARED)
    options = onnxruntime.SessionOptions()
    session = onnxruntime.InferenceSession(folder / f"{name}.onnx", options)
    opened = [Fingerprint.open(folder / "v.birthmark") for _ in range(repeats + 1)]
    data = [probe.data for probe in opened[0].probes]

    def bare() -> None:
        for start in range(0, len(data), 32):
            pixels = [np.asarray(Pillow.open(io.BytesIO(d))) for d in data[start : start + 32]]
            batch = (np.stack(pixels).astype(np.float32) * (4 / 255) - 2).transpose(0, 3, 1, 2)
            session.run(None, {"image": np.ascontiguousarray(batch)})

    return compared(lambda: opened.pop().audit(suspect), bare, repeats)


def correlation_ratio(correlation: Correlation, repeats: int) -> tuple[float, float, float]:
    """Both correlation matrices' distance against two bare float32 matrix products."""
    a, b = random_logits(0), random_logits(1)

    def bare() -> None:
        for one in (a, b):
            np.matmul(one.values, one.values.T)

    return compared(
        lambda: mean_absolute_differences(units(a), [units(b)], correlation), bare, repeats
    )


def random_logits(seed: int, n: int = 5000, width: int = 1000) -> Outputs:
    """Normal logits, (5000, 1000)."""
    values: NDArray[Any] = np.random.default_rng(seed).normal(size=(n, width))
    return Outputs(values.astype(np.float32), Kind.LOGITS, width)


def memory_ratio(work: Callable[[], object]) -> float:
    """Most memory that numpy held at once, in correlation matrices of n = 5,000."""
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / (5000 * 5000 * 4)


def opening_ratio(file: Path, repeats: int, limit: float) -> tuple[float, float, float]:
    """Opening a fingerprint with 1,000 probes and 40 references against a limit in seconds."""
    return spread([seconds(lambda: Fingerprint.open(file)) / limit for _ in range(repeats)])


def process_ratio(model: Path, repeats: int, limit: float) -> tuple[float, float, float]:
    """Opening and closing an ONNX file in a process of its own against a limit in seconds."""

    def opened() -> None:
        Sandboxed("onnx", model).close()

    opened()
    return spread([seconds(opened) / limit for _ in range(repeats)])


def passing_ratio(folder: Path, repeats: int) -> tuple[float, float, float]:
    """A batch of 32 images of 64 x 64 through a process of its own against bare onnxruntime."""
    file = folder / "other.onnx"
    batch = np.random.default_rng(0).normal(size=(32, 3, SIDE, SIDE)).astype(np.float32)
    session = onnxruntime.InferenceSession(file, onnxruntime.SessionOptions())
    with Sandboxed("onnx", file) as model:
        return compared(
            lambda: model.run(batch), lambda: session.run(None, {"image": batch}), repeats
        )


def heavy(folder: Path) -> Callable[[], object]:
    """Runs 32 images through a network of 4.1 billion multiplications."""
    file = folder / "heavy.onnx"
    file.write_bytes(network(99, HEAVY))
    session = onnxruntime.InferenceSession(file, onnxruntime.SessionOptions())
    batch = np.random.default_rng(0).normal(size=(32, 3, SIDE, SIDE)).astype(np.float32)
    return lambda: session.run(None, {"image": batch})


def start_ratio(repeats: int, limit: float) -> tuple[float, float, float]:
    """`birthmark --help` against a limit in seconds."""
    command = [str(Path(sys.executable).parent / "birthmark"), "--help"]

    def start() -> None:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    start()
    return spread([seconds(start) / limit for _ in range(repeats)])


def main() -> None:
    """Measure and print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--write", type=Path)
    args = parser.parse_args()
    repeats: int = args.repeats
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        held = enrolment_memory(folder)
        rows = [
            (
                f"audit of {what}, 1,000 probes, 40 references, network of 195 million"
                " multiplications / bare onnxruntime + decoding",
                most,
                audit_ratio(folder, name, repeats),
            )
            for what, name, most in (
                ("an independent model", "other", "1.10"),
                ("a copy", "copy", "1.25"),
            )
        ]
        rows += [
            (
                "`birthmark audit` of the independent model, from start to report"
                " / a plain numpy script of the published method",
                "1.50", command_ratio(folder, repeats),
            ),
            (
                "inference of 100 probes by a network of 4.1 billion multiplications (ResNet-50),"
                " and comparing 1,000 renamed classes with 40 references / that inference",
                "1.50", comparison_ratio(heavy(folder), 32, repeats),
            ),
            (
                "memory of comparing 100 answers of 10,000 renamed classes with 40 references"
                " / 1 GiB",
                "1.00", (comparison_memory(100, 10_000, 40, Kind.LOGITS),) * 3,
            ),
            (
                "memory of comparing 1,000 embeddings, 512 wide, with 500 references / 1 GiB",
                "1.00", (comparison_memory(1000, 512, 500, Kind.EMBEDDINGS),) * 3,
            ),
        ]  # fmt: skip
        rows += [
            (
                "memory of enrolling with 40 references, all processes together, without what"
                " they share / 1 GiB",
                "1.00",
                (held / (1 << 30),) * 3,
            )
        ]
        rows += [
            (
                f"distance of two matrices ({correlation}), n = 5,000, d = 1,000"
                " / two bare float32 products",
                "1.50",
                correlation_ratio(correlation, repeats),
            )
            for correlation in (Correlation.COSINE, Correlation.RBF)
        ]
        a, b = random_logits(0), random_logits(1)
        distance = memory_ratio(
            lambda: mean_absolute_differences(units(a), [units(b)], Correlation.COSINE)
        )
        matrix = memory_ratio(lambda: correlation_matrix(a, Correlation.COSINE))
        rows += [
            ("memory of that distance / one correlation matrix", "2.00", (distance,) * 3),
            ("memory of making one matrix / one correlation matrix", "2.00", (matrix,) * 3),
            (
                "opening a fingerprint, 1,000 probes, 40 references / 0.3 s",
                "1.00", opening_ratio(folder / "v.birthmark", repeats, 0.3),
            ),
            (
                "opening an ONNX file in a process of its own / 0.1 s",
                "1.00", process_ratio(folder / "other.onnx", repeats, 0.1),
            ),
            (
                "32 images, network of 195 million multiplications, in a process of its own"
                " / bare onnxruntime",
                "1.05", passing_ratio(folder, repeats),
            ),
            ("`birthmark --help` / 0.4 s", "1.00", start_ratio(repeats, 0.4)),
        ]  # fmt: skip
    text = table(rows, repeats)
    print(text)
    if args.write:
        args.write.write_text(text, encoding="utf-8")


def table(rows: list[tuple[str, str, tuple[float, float, float]]], repeats: int) -> str:
    """The measured ratios as Markdown."""
    lines = [
        "# Speed and memory",
        "",
        "Written by `make bench` (`python -m benchmarks.speed --write benchmarks/speed.md`): ratios"
        f" taken in one run, n = {repeats} repeats in turns after a warm-up, seeds 0 to 41.",
        "",
        f"Machine: {os.cpu_count()} cores, {cpu()}; Python {platform.python_version()}, numpy"
        f" {np.__version__}, onnxruntime {onnxruntime.__version__}, Pillow {version('pillow')}.",
        "",
        "| ours / what it is compared with | at most | median | smallest | largest |",
        "|---|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {what} | {most} | {m:.2f} | {low:.2f} | {high:.2f} |"
        for what, most, (m, low, high) in rows
    ]
    return "\n".join(lines) + "\n"


def cpu() -> str:
    """The processor's name, where Linux tells it."""
    info = Path("/proc/cpuinfo")
    names = (
        [line for line in info.read_text().splitlines() if "model name" in line]
        if info.exists()
        else []
    )
    return names[0].partition(":")[2].strip() if names else platform.processor()


if __name__ == "__main__":
    main()
