"""Models of every format that read, write, fill or wait without end: a line each, and no trace."""

from __future__ import annotations

import base64
import marshal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import model_files
import world
from birthmark import BirthmarkError, as_suspect
from birthmark.models.weights import read_weights

torch: Any = pytest.importorskip("torch", reason="the extra 'torch' is not installed")
NHWC = world.DECLARED | {"layout": "nhwc"}
IMAGES = [world.image_set()[i] for i in range(3)]
SECRET = "never to be seen"
MUCH = 1 << 40


class Reaching:
    """What a file reaches for: a secret, a place to write to, and a port to call."""

    def __init__(self, folder: Path) -> None:
        self.secret, self.marker = folder / "secret", folder / "marker"
        self.secret.write_text(SECRET)
        self.server = socket.create_server(("127.0.0.1", 0))
        self.server.setblocking(False)

    @property
    def called(self) -> bool:
        try:
            self.server.accept()
        except BlockingIOError:
            return False
        return True


Make = Callable[[Path, Reaching], Path]


def scripted(body: str) -> Make:
    """TorchScript whose `forward` is this; `(secret)` and `(marker)` are paths."""

    def make(folder: Path, reach: Reaching) -> Path:
        module = torch.jit.script(type("Hostile", (torch.nn.Module,), {})())
        code = body.replace("(secret)", f'"{reach.secret}"').replace(
            "(marker)", f'"{reach.marker}"'
        )
        lines = ["def forward(self, image: Tensor) -> Tensor:", *code.splitlines()]
        module.define("\n    ".join(lines) + "\n")
        torch.jit.save(module, folder / "v.ts")
        return folder / "v.ts"

    return make


def exported(shape: tuple[int, ...]) -> Make:
    """An archive of torch.export that makes a tensor of this shape."""

    class Large(torch.nn.Module):  # type: ignore[misc]
        def forward(self, image: Any) -> Any:
            return image.flatten(1) + torch.ones(shape).sum()

    def make(folder: Path, reach: Reaching) -> Path:  # noqa: ARG001
        many = {0: torch.export.Dim("n", min=1, max=1024)}
        program = torch.export.export(Large(), (torch.zeros(2, 1, 8, 8),), dynamic_shapes=(many,))
        torch.export.save(program, folder / "v.pt2")
        return folder / "v.pt2"

    return make


def of_layers(*layers: dict[str, Any]) -> Make:
    """A Keras archive with these layers between the first and the last."""
    return lambda folder, _: model_files.keras(folder, *layers)


def acting(x: Any) -> Any:
    """What the code in a Lambda layer would do: all of it."""
    __import__("pathlib").Path("MARKER").touch()
    __import__("socket").create_connection(("127.0.0.1", 0))
    while True:
        __import__("os").fork()
    return x


def lambda_layer(folder: Path, reach: Reaching) -> Path:
    constants = tuple(str(reach.marker) if c == "MARKER" else c for c in acting.__code__.co_consts)
    code = base64.b64encode(marshal.dumps(acting.__code__.replace(co_consts=constants))).decode()
    function = {
        "class_name": "__lambda__",
        "config": {"code": code, "defaults": None, "closure": None},
    }
    return model_files.keras(folder, model_files.layer("Lambda", function=function))


def saved(make: Callable[[Any, Any, Reaching], Any]) -> Make:
    """A SavedModel that answers with the sum of its images and what `make` gives."""

    def made(folder: Path, reach: Reaching) -> Path:
        tensorflow = pytest.importorskip("tensorflow")
        image = tensorflow.TensorSpec([None, 8, 8, 1], tensorflow.float32, name="image")
        kept = tensorflow.Module()

        @tensorflow.function(input_signature=[image])  # type: ignore[untyped-decorator]
        def serve(image: Any) -> Any:
            more = make(tensorflow, image, reach)
            return {"logits": tensorflow.reshape(image, [-1, 64]) + more}

        kept.serve = serve
        tensorflow.saved_model.save(kept, str(folder / "v"), signatures={"serving_default": serve})
        return folder / "v"

    return made


def length(tf: Any, text: Any) -> Any:
    return tf.cast(tf.strings.length(text), tf.float32)


def read_lines(tf: Any, _: Any, reach: Reaching) -> Any:
    lines = tf.data.TextLineDataset(str(reach.secret))
    return length(tf, lines.reduce("", lambda before, line: before + line))


def restored(tf: Any, _: Any, reach: Reaching) -> Any:
    (read,) = tf.raw_ops.RestoreV2(
        prefix=str(reach.secret), tensor_names=["x"], shape_and_slices=[""], dtypes=[tf.float32]
    )
    return tf.reduce_sum(read)


def printed(tf: Any, image: Any, reach: Reaching) -> Any:
    with tf.control_dependencies([tf.print("x", output_stream=f"file://{reach.marker}")]):
        return tf.reduce_sum(tf.identity(image))


def kept(tf: Any, image: Any, reach: Reaching) -> Any:
    done = tf.raw_ops.SaveV2(
        prefix=str(reach.marker), tensor_names=["x"], shape_and_slices=[""], tensors=[image]
    )
    with tf.control_dependencies([done]):
        return tf.reduce_sum(tf.identity(image))


def endless(tf: Any, image: Any, _: Reaching) -> Any:
    return tf.while_loop(
        lambda x: tf.reduce_all(tf.equal(x, x)), lambda x: (x + 1,), (tf.reduce_sum(image),)
    )[0]


SAVED: dict[str, tuple[Callable[[Any, Any, Reaching], Any], str]] = {
    "reads": (lambda tf, _, r: length(tf, tf.io.read_file(str(r.secret))), "operator ReadFile"),
    "writes": (
        lambda tf, i, r: length(tf, _after(tf, tf.io.write_file(str(r.marker), "x"), i)),
        "operator WriteFile",
    ),
    "calls Python": (
        lambda tf, _, r: tf.numpy_function(
            lambda: np.float32(len(r.secret.read_text())), [], tf.float32
        ),
        "operator PyFunc",
    ),
    "reads lines": (read_lines, ""),
    "restores": (restored, ""),
    "prints into a file": (printed, ""),
    "saves": (kept, ""),
    "fills the memory": (lambda tf, *_: tf.reduce_sum(tf.ones([1 << 20, 1 << 20])), ""),
    "has no end": (endless, "took too long"),
}
MODELS: dict[str, tuple[Make, dict[str, Any], str]] = {
    "TorchScript that maps a file": (
        scripted("return torch.from_file((secret), False, 16)"),
        world.DECLARED,
        "uses from_file, an operator that reaches files",
    ),
    "TorchScript that writes": (
        scripted("torch.save(image, (marker))\nreturn image"),
        world.DECLARED,
        "uses save, an operator that reaches files",
    ),
    "TorchScript that fills the memory": (
        scripted("held = [image]\nwhile True:\n    held.append(torch.ones(1 << 20))\nreturn image"),
        world.DECLARED,
        "",
    ),
    "TorchScript that takes all at once": (
        scripted(f"return image.flatten(1) + torch.ones({MUCH}).sum()"),
        world.DECLARED,
        "failed on an image",
    ),
    "TorchScript without an end": (
        scripted("while True:\n    image = image + 1\nreturn image"),
        world.DECLARED,
        "took too long on an image",
    ),
    "an export of a large tensor": (exported((1 << 20, 1 << 20)), world.DECLARED, ""),
    "Keras with code": (lambda_layer, NHWC, "a layer Lambda, which holds Python code"),
    "Keras that takes all at once": (
        of_layers(
            model_files.layer("RepeatVector", n=1 << 34), model_files.layer("Flatten", name="f")
        ),
        NHWC,
        "",
    ),
    "Keras of absurd weights": (
        of_layers(model_files.layer("Dense", name="d", units=MUCH)),
        NHWC,
        "",
    ),
    **{
        f"SavedModel that {what}": (saved(make), NHWC, said) for what, (make, said) in SAVED.items()
    },
}

READING = ("SavedModel that reads lines", "SavedModel that restores")
"""What is stopped by Landlock alone."""


def _after(tf: Any, done: Any, image: Any) -> Any:
    with tf.control_dependencies([done]):
        return tf.strings.as_string(tf.reduce_sum(image))


@pytest.fixture
def reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reaching:
    monkeypatch.setenv("BIRTHMARK_SECONDS", "8")
    monkeypatch.setenv("BIRTHMARK_MEMORY_GIB", "1")
    return Reaching(tmp_path)


@pytest.mark.parametrize("case", MODELS)
def test_a_hostile_model_is_one_line_and_leaves_no_trace(
    case: str, reach: Reaching, tmp_path: Path
) -> None:
    make, declared, said = MODELS[case]
    pytest.importorskip("keras" if "Keras" in case else "torch")
    folder = tmp_path / "model"
    folder.mkdir()
    file = make(folder, reach)
    reach.marker.unlink(missing_ok=True)
    with pytest.raises(BirthmarkError) as error:
        suspect = as_suspect(file, declared)
        if case in READING and getattr(suspect, "unprotected", False):
            pytest.skip("this system does not keep a process to its folder")
        suspect.answer(IMAGES)
    assert said in str(error.value)
    assert str(error.value).isprintable() and SECRET not in str(error.value)
    assert not reach.called
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith("marker")] == []
    assert reach.secret.read_text() == SECRET


@pytest.mark.usefixtures("reach")
def test_weights_that_are_named_often_are_refused(tmp_path: Path) -> None:
    """Thousands of TensorFlow Lite's tensors share one buffer of a megabyte."""
    schema: Any = pytest.importorskip(
        "ai_edge_litert.schema_py_generated", reason="the extra 'tflite' is not installed"
    )
    flatbuffers: Any = pytest.importorskip("flatbuffers")
    seed = Path(__file__).parents[2] / "corpus" / "weights-tflite" / "seed-small"
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(seed.read_bytes(), 0))
    graph = model.subgraphs[0]
    dense = next(one for one in graph.operators if len(one.inputs) > 1)
    (tensor,) = (graph.tensors[dense.inputs[1]],)
    model.buffers[tensor.buffer].data = np.zeros(1 << 20, np.uint8)
    tensor.shape, tensor.type = np.array([512, 512], np.int32), 0
    if tensor.shapeSignature is not None:
        tensor.shapeSignature = tensor.shape
    for _ in range(3000):
        graph.tensors.append(tensor)
        twin = schema.OperatorT()
        twin.opcodeIndex, twin.outputs = dense.opcodeIndex, dense.outputs
        twin.inputs = [dense.inputs[0], len(graph.tensors) - 1]
        graph.operators.append(twin)
    builder = flatbuffers.Builder(1 << 21)
    builder.Finish(model.Pack(builder), b"TFL3")
    file = tmp_path / "m.tflite"
    file.write_bytes(builder.Output())
    assert file.stat().st_size < 4 << 20
    with pytest.raises(BirthmarkError) as error:
        read_weights(file)
    assert str(error.value).isprintable()
