"""Enroll the emotion victim, audit every suspect by the `birthmark` command, and write a table.

    python run.py --models models --images DIR/validation.parquet --write results.md

The images are FER2013's validation split, which no model trained on and no choice was made by.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

METHODS = [("sac-jc", 200), ("sac-jc", 1000), ("sac-labels-l1@jpeg25", 1000)]
SUSPECTS = ("thief", "thief-resnet", "innocent", "innocent-resnet")
BIRTHMARK = str(Path(sys.executable).parent / "birthmark")


def birthmark(*arguments: str) -> Any:
    """What the command prints with --json."""
    done = subprocess.run(  # noqa: S603
        [BIRTHMARK, *arguments, "--json"], check=True, stdout=subprocess.PIPE, text=True
    )
    return json.loads(done.stdout)


def record(models: Path, name: str) -> dict[str, Any]:
    """What `train.py` wrote of a model."""
    fields: dict[str, Any] = json.loads((models / f"{name}.json").read_text())
    return fields


def audits(
    models: Path, images: Path, methods: list[tuple[str, int]], alpha: float, folder: Path
) -> list[str]:
    """A table row for each method and suspect."""
    rows = []
    for i, (method, n) in enumerate(methods):
        file = str(folder / f"{i}.birthmark")
        victim = ["--model", str(models / "victim.onnx"), "--images", str(images)]
        references = ["--references", str(models / "references")]
        birthmark(
            "enroll",
            *victim,
            "--lineage",
            "vgg",
            "--start",
            "random",
            *references,
            "--method",
            method,
            "-n",
            str(n),
            "--out",
            file,
        )
        for suspect in SUSPECTS:
            out = str(folder / f"{i}-{suspect}")
            spec = ["--suspect", str(models / f"{suspect}.onnx"), "--out", out]
            result = birthmark("audit", file, *spec, "--rule", "rank", "--alpha", str(alpha))
            rows.append(
                f"| `{method}` | {n} | {suspect} | {record(models, suspect)['test_accuracy']:.3f} |"
                f" {result['score']:.4f} | {result['p_value']:.3g} | {result['verdict']} |"
            )
    return rows


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", type=Path, default=Path("models"))
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--write", type=Path, required=True)
    parser.add_argument("--first", type=int, default=len(METHODS), help="only so many methods")
    args = parser.parse_args()
    references = sorted((args.models / "references").rglob("*.json"))
    accuracies = [json.loads(file.read_text())["test_accuracy"] for file in references]
    alpha = max(0.05, round(1 / (len(references) + 1) + 5e-4, 3))
    with tempfile.TemporaryDirectory() as folder:
        rows = audits(args.models, args.images, METHODS[: args.first], alpha, Path(folder))
    lines = [
        "# The emotion example, measured",
        "",
        f"Written by `python run.py`, after `python train.py --references {len(references)}`."
        f" Victim {record(args.models, 'victim')['test_accuracy']:.3f} accurate on seven classes of"
        f" FER2013's test split; {len(references)} reference models, {min(accuracies):.3f} to"
        f" {max(accuracies):.3f}; alpha = {alpha:.3g}; seed 0 for the probes, 1 to"
        f" {99 + len(references)} for the models. Smallest p-value possible:"
        f" {1 / (len(references) + 1):.3g}. Machine: {os.cpu_count()} cores, {platform.machine()}.",
        "",
        "| method | probes | suspect | its accuracy | score | p-value | verdict |",
        "|---|---:|---|---:|---:|---:|---|",
        *rows,
    ]
    args.write.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
