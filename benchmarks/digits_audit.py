"""Audits of a digits model behind the loopback API, by the command `birthmark audit`."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

import birthmark.report  # noqa: F401  (before forking, to start quickly)
from birthmark import Fingerprint, ImageSet, as_suspect

PROBES, REFERENCES = 60, 20
DECLARED = {"size": (8, 8), "channels": 1, "range": (0, 1), "mean": (0.5,), "std": (0.25,)}
DECLARED |= {"output": "probabilities"}
FORM = """format = "birthmark-api/1"
name = "digits"
url = "{url}"
[image]
form = "raw"
[answer]
kind = "probabilities"
path = "$.chances"
"""


def trained(part: slice, by: Any = None) -> Any:
    """A linear classifier of digits, from true labels or another's answers."""
    digits = load_digits()
    inputs = inputs_of((digits.images[part] * 255 / 16).astype(np.uint8))
    labels = digits.target[part] if by is None else by.predict(inputs)
    return LogisticRegression(C=0.1, max_iter=100).fit(inputs, labels)


def inputs_of(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What the classifiers take, (n, 64)."""
    return ((images.reshape(len(images), -1) / 255 - 0.5) / 0.25).astype(np.float32)


def build(folder: Path) -> None:
    """v.birthmark, and thief.npz and innocent.npz for the server."""
    digits = load_digits()
    own = trained(slice(0, 200))
    references = [
        as_suspect(
            trained(slice(200 + 10 * i, 500 + 10 * i)), DECLARED, name=f"{i}", lineage="linear"
        )
        for i in range(REFERENCES)
    ]
    images = (digits.images[1000:1400] * 255 / 16).astype(np.uint8)
    victim = as_suspect(own, DECLARED, name="victim", lineage="linear")
    pictures = ImageSet.from_arrays(images, digits.target[1000:1400], source="digits")
    Fingerprint.enroll(victim, pictures, references, n=PROBES).save(folder / "v.birthmark")
    for name, model in (
        ("thief", trained(slice(200, 800), own)),
        ("innocent", trained(slice(450, 750))),
    ):
        np.savez(folder / f"{name}.npz", coef=model.coef_, intercept=model.intercept_)


@dataclass(frozen=True)
class Audit:
    """One audit: its folder is new, and what is in it tells how it went."""

    fingerprint: Path
    folder: Path
    url: str
    options: tuple[str, ...] = ()

    @property
    def ledger(self) -> Path:
        """Where its answers are kept."""
        return self.folder / "answers.ledger"

    def start(self) -> int:
        """Run the command in a forked process; its id."""
        self.folder.mkdir(exist_ok=True)
        form = self.folder / "digits.api.toml"
        form.write_text(FORM.format(url=self.url))
        out = self.folder / "out"
        argv = ["birthmark", "audit", str(self.fingerprint), "--suspect", str(form)]
        argv += ["--out", str(out), "--ledger", str(self.ledger), "--repeats", "0", *self.options]
        process = os.fork()
        if process == 0:
            _become(argv, self.folder / "said.txt")
        return process

    def result(self) -> dict[str, Any]:
        """Its result, without what differs by the address alone."""
        told: dict[str, Any] = json.loads((self.folder / "out" / "result.json").read_text())
        return {name: told[name] for name in ("verdict", "p_value", "score", "answers")}


def _become(argv: list[str], said: Path) -> None:
    from birthmark.cli.main import main

    code = 1
    try:
        file = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, 1)
        os.dup2(file, 2)
        sys.argv = argv
        main()
        code = 0
    except SystemExit as error:
        code = int(error.code or 0)
    finally:
        sys.stdout.flush()
        os._exit(code)


def ended(process: int) -> int | None:
    """Its exit code; None while it runs."""
    done, status = os.waitpid(process, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if done else None


def finished(audit: Audit) -> dict[str, Any]:
    """Run an audit to its end and give its result."""
    process = audit.start()
    while (code := ended(process)) is None:
        time.sleep(0.02)
    if code != 0:
        raise RuntimeError((audit.folder / "said.txt").read_text())
    return audit.result()


def kill(process: int) -> None:
    """As `kill -9`; for the audit's files the same as a power failure, but for the disk's own."""
    os.kill(process, signal.SIGKILL)
    while ended(process) is None:
        time.sleep(0.005)
