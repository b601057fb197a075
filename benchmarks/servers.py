"""Audits of the same models by their weights, by `birthmark serve` and by MLServer.

MLServer goes into an environment of its own (`python -m venv mls; mls/bin/pip install mlserver`):

python benchmarks/servers.py --mlserver mls/bin --write benchmarks/servers.md
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from birthmark import Fingerprint, ImageSet, __version__, as_suspect
from birthmark.audit.result import Result
from birthmark.bench.markdown import grid
from birthmark.models.adapters.lookup import open_any
from birthmark.models.remote import Access, Limits

DECLARED = {
    "size": (8, 8),
    "channels": 1,
    "range": (0, 1),
    "mean": (0.5,),
    "std": (0.25,),
    "output": "logits",
}
PORT = 8797
STARTING = 120

RUNTIME = """import numpy as np
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceResponse


class Linear(MLModel):
    async def load(self):
        stored = np.load(self.settings.parameters.uri)
        self.weights, self.bias = stored["weights"], stored["bias"]
        return True

    async def predict(self, payload):
        batch = NumpyCodec.decode_input(payload.inputs[0])
        logits = batch.reshape(len(batch), -1) @ self.weights + self.bias
        output = NumpyCodec.encode_output("logits", logits.astype(np.float32))
        return InferenceResponse(model_name=self.name, outputs=[output])
"""
SERVED = """import numpy as np

stored = np.load("linear.npz")


def linear(batch):
    return batch.reshape(len(batch), -1) @ stored["weights"] + stored["bias"]
"""


class Digits:
    """Linear models of digits: an owner's, a thief's, and independent ones."""

    def __init__(self) -> None:
        digits = load_digits()
        self.images = (digits.images * 255 / 16).astype(np.uint8)
        self.labels = digits.target
        self.inputs = (self.images.reshape(len(self.images), -1) / 255 - 0.5) / 0.25
        self.victim = self.trained(slice(0, 200), self.labels)
        self.thief = self.trained(slice(200, 800), self.victim.predict(self.inputs))
        self.innocent = self.trained(slice(303, 603), self.labels)

    def trained(self, part: slice, labels: Any) -> Any:
        """Of some images."""
        model = LogisticRegression(C=0.1, max_iter=100)
        return model.fit(self.inputs[part], labels[part])

    def fingerprint(self) -> Fingerprint:
        """Of the owner's model, with 20 independent ones."""
        references = [
            as_suspect(
                self.trained(slice(200 + 10 * i, 500 + 10 * i), self.labels),
                DECLARED,
                lineage="linear",
            )
            for i in range(20)
        ]
        images = ImageSet.from_arrays(
            self.images[1000:1400], self.labels[1000:1400], source="digits"
        )
        own = as_suspect(self.victim, DECLARED, lineage="linear")
        return Fingerprint.enroll(own, images, references, method="sac-jc", n=60)


@contextmanager
def running(command: Sequence[str], folder: Path) -> Iterator[None]:
    """A server that is ready."""
    with (folder / "server.log").open("w") as log:
        one = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        for _ in range(STARTING):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{PORT}/v2/models/digits/ready").close()
                break
            except OSError:
                time.sleep(1)
        yield
    finally:
        one.terminate()
        one.wait(30)


def write(folder: Path, model: Any) -> None:
    """What both servers need."""
    weights, bias = model.coef_.T.astype(np.float32), model.intercept_.astype(np.float32)
    np.savez(folder / "linear.npz", weights=weights, bias=bias)
    (folder / "runtime.py").write_text(RUNTIME)
    (folder / "served.py").write_text(SERVED)
    ports = {"http_port": PORT, "grpc_port": PORT - 1, "metrics_port": PORT - 2}
    settings = {"host": "127.0.0.1", "parallel_workers": 0, **ports}
    (folder / "settings.json").write_text(json.dumps(settings))
    tensors = {
        "inputs": [{"name": "image", "datatype": "FP32", "shape": [-1, 1, 8, 8]}],
        "outputs": [{"name": "logits", "datatype": "FP32", "shape": [-1, 10]}],
    }
    settings = {"name": "digits", "implementation": "runtime.Linear", **tensors}
    settings["parameters"] = {"uri": "linear.npz"}
    (folder / "model-settings.json").write_text(json.dumps(settings))


def audited(fingerprint: Fingerprint, ledger: Path) -> Result:
    """Over loopback."""
    access = Access(ledger, Limits())
    suspect = open_any(f"http://127.0.0.1:{PORT}/v2/models/digits", DECLARED, None, access)
    return fingerprint.audit(suspect)


def main() -> None:
    """Audit and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mlserver", type=Path, required=True, help="its environment's bin")
    parser.add_argument("--write", type=Path, required=True)
    args = parser.parse_args()
    binary = args.mlserver.resolve()
    version = subprocess.run(
        [binary / "python", "-c", "import mlserver; print(mlserver.__version__)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    servers = {
        "`birthmark serve`": [
            *(sys.executable, "-m", "birthmark", "serve", "served:linear", "--port", str(PORT)),
            *("--name", "digits", "--input", "8x8x1", "--range", "0:1", "--mean", "0.5"),
            *("--std", "0.25", "--output", "logits"),
        ],
        f"MLServer {version}": [str(binary / "mlserver"), "start", "."],
    }
    world = Digits()
    fingerprint = world.fingerprint()
    rows = []
    for name, model in (("thief", world.thief), ("innocent", world.innocent)):
        own = fingerprint.audit(as_suspect(model, DECLARED))
        rows.append([name, "its weights", own.verdict.value, f"{own.p_value:.4f}", "-"])
        for server, command in servers.items():
            with tempfile.TemporaryDirectory() as made:
                write(Path(made), model)
                with running(command, Path(made)):
                    result = audited(fingerprint, Path(made) / "ledger")
            apart = abs(result.score - own.score)
            rows.append(
                [name, server, result.verdict.value, f"{result.p_value:.4f}", f"{apart:.1e}"]
            )
    parts = [
        "# Servers of the Open Inference Protocol",
        "Written by `python benchmarks/servers.py --mlserver mls/bin --write"
        f" benchmarks/servers.md` (birthmark {__version__}, MLServer {version}, python"
        f" {platform.python_version()}, numpy {np.__version__}, {platform.system()}"
        f" {platform.machine()}). Linear models of digits, 60 probes, 20 references, `sac-jc`; the"
        " same weights are audited in Python and over loopback, by the same client.",
        grid(["suspect", "reached by", "verdict", "p", "score differs by"], rows),
    ]
    args.write.write_text("\n\n".join(parts) + "\n")


if __name__ == "__main__":
    main()
