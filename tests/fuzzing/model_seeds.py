"""Writes the seeds that take torch, TensorFlow and openssl: python tests/fuzzing/model_seeds.py."""

from __future__ import annotations

import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import model_files
import world
from evidence.test_timestamp import Service
from fuzzing.evidence_targets import STAMPED
from fuzzing.scratch import CORPUS


def tflite(path: Path) -> None:
    """A convolution and a dense layer."""
    import tensorflow

    class Network(tensorflow.Module):  # type: ignore[misc]
        @tensorflow.function(  # type: ignore[untyped-decorator]
            input_signature=[tensorflow.TensorSpec((1, 4, 4, 2))]
        )
        def __call__(self, images: Any) -> Any:
            kernel = np.ones((3, 3, 2, 4), np.float32)
            features = tensorflow.nn.conv2d(images, kernel, 1, "SAME")
            return tensorflow.reduce_mean(features, (1, 2)) @ np.ones((4, 3), np.float32)

    network = Network()
    function = network.__call__.get_concrete_function()
    path.write_bytes(
        tensorflow.lite.TFLiteConverter.from_concrete_functions([function], network).convert()
    )


def stamped(folder: Path) -> bytes:
    """What a time-stamping service of our own says to `STAMPED`."""
    from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

    service = Service(folder)
    builder = TimestampRequestBuilder().data(STAMPED).hash_algorithm(HashAlgorithm.SHA256)
    made = service.reply(builder.cert_request(cert_request=True).build().as_bytes())
    service.server.shutdown()
    service.server.server_close()
    return made


def main() -> None:
    """Write all of them."""
    with TemporaryDirectory() as made:
        folder = Path(made)
        world.export(world.victim(), folder / "v.onnx")
        tflite(folder / "v.tflite")
        whole = model_files.saved_model(folder)
        with zipfile.ZipFile(folder / "saved", "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(whole.rglob("*")):
                if file.is_file():
                    archive.write(file, file.relative_to(whole))
        files = {
            "weights-onnx": folder / "v.onnx",
            "weights-safetensors": model_files.weights(folder),
            "weights-torchscript": model_files.torchscript(folder),
            "weights-pt2": model_files.exported(folder),
            "weights-keras": model_files.keras(folder),
            "weights-saved-model": folder / "saved",
            "weights-tflite": folder / "v.tflite",
        }
        contents = {name: file.read_bytes() for name, file in files.items()}
        contents["time-stamp"] = stamped(folder)
    for target, data in contents.items():
        path = CORPUS / target / "seed-small"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)


if __name__ == "__main__":
    main()
