"""Writes the small valid files that fuzzing starts from: python tests/fuzzing/seeds.py."""

from __future__ import annotations

import io
import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import safetensors.numpy
from numpy.typing import NDArray
from PIL import Image as Pillow

from birthmark import Fingerprint
from birthmark.audit.answers import Recorded, answers_bytes
from birthmark.audit.rule import Rule
from birthmark.bundle import Bundle, Manifest, write_bundle
from birthmark.bundle.archive import outputs_bytes
from birthmark.bundle.manifest import ImageSetRecord, ProbeRecord
from birthmark.common.digests import canonical_json, sha256
from birthmark.data.images import Image, encoded
from birthmark.data.images.decoding import ORIENTATION
from birthmark.data.outputs import Kind, Outputs
from birthmark.evidence import sign
from birthmark.evidence.replay import Replayed
from birthmark.models.adapters import Description
from birthmark.models.adapters.base import Answered
from birthmark.models.remote.ledger import Ledger
from birthmark.registry.documents import RegistryFile, SketchFile, task_digest
from birthmark.registry.sketch import WIDTH
from birthmark.zoo.answers.file import write_answers
from birthmark.zoo.answers.manifest import Manifest as AnswersManifest
from birthmark.zoo.answers.numbers import digest_of
from birthmark.zoo.plan import open_plan
from fuzzing.model_targets import WEIGHTS
from fuzzing.mutating import signer
from fuzzing.scratch import CORPUS

DECLARATION = """size = [8, 8]
channels = 3
range = [0, 1]
mean = [0.5, 0.4, 0.3]
std = [0.25, 0.2, 0.1]
output = "logits"
order = "bgr"
layout = "nhwc"
resize = "lanczos"
"""

PLAN = """name = "small"
about = "Two models."
task = "classes"
seed = 1
families = { vgg = { net = "vgg", epochs = 2.5 } }
[images]
source = "cifar10"
size = 32
channels = 3
[splits]
probes = 100
[schedule]
epochs = 3
rate = 0.01
[transfer]
source = "cifar10"
classes = [0, [1, 2]]
[foreign]
source = "cifar10"
[answers]
probes = { jpeg10 = 8 }
bits = 8
[scales.little]
share = 0.1
counts = { reference = 2 }
[[groups]]
name = "victim"
role = "victim"
recipe = "trained"
count = 1
data = ["owner"]
[[groups]]
name = "copy"
role = "stolen"
recipe = "extracted-labels"
parents = ["victim"]
parameters = { epochs = [1, 2] }
within = 5.0
"""

TEMPLATE = """format = "birthmark-api/1"
name = "service"
url = "https://example.org/v1/classify"
[headers]
Authorization = "Bearer ${TOKEN}"
[image]
form = "base64"
body = { image = "{image}", top = 5 }
[answer]
kind = "top-k"
labels_path = "$.top[*].label"
scores_path = "$.top[*].score"
classes = ["a", "b", "c"]
[refused]
statuses = [422]
path = "$.error"
equals = ["unsafe"]
[limits]
rate = 2.5
"""
ANSWER = {
    "predictions": [{"scores": [0.5, 0.25, 0.25]}],
    "top": [{"label": "a", "score": 0.7}, {"label": "b", "score": 0.2}],
    "named": {"a": 0.7, "b": 0.3},
    "label": "b",
    "similarity": 87.5,
    "match": "yes",
}

RECORD: dict[str, Any] = {
    "name": "victim/0",
    "group": "victim",
    "role": "victim",
    "recipe": "trained",
    "parameters": {"rate": 0.1},
    "family": "vgg",
    "seed": 3,
    "parent": None,
    "data": "owner",
    "key": "k",
    "victim": "",
    "weights": None,
    "outputs": 3,
    "kind": "logits",
    "task": "own",
    "images": 10,
    "accuracy": 0.5,
    "fidelity": None,
    "seconds": 1.5,
}


def _pixels(seed: int, channels: int = 3, side: int = 8) -> NDArray[np.uint8]:
    shape = (side, side) if channels == 1 else (side, side, channels)
    coarse = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    return coarse // 2 + 64


def _picture(seed: int, mode: str = "RGB") -> Pillow.Image:
    return Pillow.fromarray(_pixels(seed)).convert(mode)


def pictures() -> Iterator[tuple[str, bytes]]:
    """One image of every format, and the modes that a format can hold."""
    for mode in ("RGB", "L", "1", "P", "RGBA", "LA"):
        yield f"{mode.lower()}.png", encoded(_picture(1, mode), "PNG")
    turned = Pillow.Exif()
    turned[ORIENTATION] = 6
    yield "turned.jpg", encoded(_picture(2), "JPEG", exif=turned)
    yield "colour.jpg", encoded(_picture(2), "JPEG", quality=25)
    yield "progressive.jpg", encoded(_picture(2), "JPEG", progressive=True)
    yield "grey.jpg", encoded(_picture(2, "L"), "JPEG")
    yield "cmyk.jpg", encoded(_picture(2, "CMYK"), "JPEG")
    yield "rgb.bmp", encoded(_picture(3), "BMP")
    yield "p.bmp", encoded(_picture(3, "P"), "BMP")
    yield "rgb.webp", encoded(_picture(4), "WEBP")
    yield "lossless.webp", encoded(_picture(4, "RGBA"), "WEBP", lossless=True)
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "jpeg", "packbits"):
        yield f"{compression}.tif", encoded(_picture(7), "TIFF", compression=compression)
    yield "ccitt.tif", encoded(_picture(7, "1"), "TIFF", compression="group4")
    yield "rgb.ppm", encoded(_picture(8), "PPM")
    yield "l.pgm", encoded(_picture(8, "L"), "PPM")
    yield "plain.ppm", b"P3\n# c\n2 2\n255\n1 2 3 4 5 6 7 8 9 10 11 255\n"


POPULATION = {
    "images": 9,
    "fit": {"times": 1.5, "high": 0.25, "low": 0.75, "usual": 0.5},
    "victim": 0.75,
    "references": [0.5, 0.75],
}


def fingerprint(kind: Kind, colour: bool, **fields: Any) -> bytes:
    """A fingerprint of four probes, with a reference of each of two lineages."""
    rng = np.random.default_rng(9)
    probes = [
        Image(encoded(_picture(i, "RGB" if colour else "L"), "JPEG"), f"{i:05d}.jpg", i % 2)
        for i in range(4)
    ]

    def said() -> Outputs:
        raw = rng.integers(0, 3, 4) if kind is Kind.LABELS else rng.random((4, 3))
        return Outputs.checked(raw, kind, "a")

    victim, references = said(), [said(), said()]
    manifest = Manifest.model_validate(
        {
            "method": "sac-cosine-l1@jpeg10",
            "seed": 0,
            "images": {"digest": sha256(b"a"), "count": 9, "resize": [8, 8]},
            "victim": {"name": "v", "adapter": "onnx", "output": kind, "digest": sha256(b"v")},
            "references": [
                Description(name=f"r{i}", adapter="onnx", output=kind, lineage=f"{i}")
                for i in (1, 2)
            ],
            "probes": [
                {"file": p.name, "digest": p.digest, "pixels": p.pixel_digest, "label": p.label}
                for p in probes
            ],
            "outputs": sha256(outputs_bytes(victim, references)),
            "start": "random",
            "libraries": {"numpy": "2"},
        }
        | fields
    )
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a"
        write_bundle(Bundle(manifest, probes, victim, references), path)
        return path.read_bytes()


def npz(compressed: bool = False, **arrays: Any) -> bytes:
    """An npz of these arrays."""
    buffer = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(buffer, **arrays)
    return buffer.getvalue()


def parquet(compression: str, labels: pa.Array | None = None) -> bytes:
    """Two images in the Hugging Face layout."""
    cells = [{"bytes": encoded(_picture(i), "PNG"), "path": None} for i in (1, 2)]
    columns: dict[str, Any] = {"image": pa.array(cells)}
    if labels is not None:
        columns["label"] = labels
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pa.table(columns), buffer, compression=compression)
    return buffer.getvalue()


def zoo_answers() -> bytes:
    """A zoo of one model and one of its disguise."""
    numbers = np.arange(12, dtype=np.uint16)
    disguised = RECORD | {
        "name": "rounded/0",
        "group": "rounded",
        "role": "stolen",
        "recipe": "rounded",
        "parameters": {},
        "parent": "victim/0",
    }
    with TemporaryDirectory() as folder:
        path = Path(folder) / "plan.toml"
        path.write_text(PLAN)
        manifest = AnswersManifest.model_validate(
            {
                "plan": open_plan(str(path)).model_dump(),
                "records": [RECORD, disguised],
                "packed": {"victim/0": {"begins": 0, "lowest": -1.0, "step": 0.1}},
                "asked": [{"method": "jpeg10", "labels": [0, 1, None, 2], "pixels": sha256(b"p")}],
                "made": {"numpy": "2"},
                "data": {"cifar10": sha256(b"d")},
                "values": digest_of(numbers),
            }
        )
        write_answers(path, manifest, numbers)
        return path.read_bytes()


SUSPECT = Description(name="s", adapter="onnx", output=Kind.LOGITS, digest=sha256(b"s"))


def audited(data: bytes) -> dict[str, bytes]:
    """The files of an audit by a fingerprint, of a suspect that is the victim, signed."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.birthmark"
        path.write_bytes(data)
        fingerprint = Fingerprint.open(path)
    given = Recorded(Answered(fingerprint.bundle.victim, {}))
    suspect = Replayed(SUSPECT, fingerprint.bundle.probes, given)
    done = fingerprint.audit_with_answers(suspect, alpha=0.4, rule=Rule.RANK)
    answers = answers_bytes(done.recorded)
    then = datetime(2026, 1, 1, tzinfo=UTC)
    evidence = sign(done.result, data, answers, signer(), seal_published="in print", now=then)
    detached = evidence.model_copy(update={"materials": None})
    return {
        "evidence": evidence.to_bytes(),
        "detached": detached.to_bytes(),
        "result": done.result.model_dump_json(indent=2).encode(),
        "answers": answers,
    }


def ledger() -> bytes:
    """A ledger of one suspect, asked twice: one answer, one failure."""
    at = "2026-01-01T00:00:00+00:00"
    columns = "suspect, key, attempt, method, url, headers, body_sha256, body_bytes, about, price"
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.ledger"
        with Ledger.made(path) as made:
            suspect = made.begin("a suspect")
            for key in ("k", "l"):
                made.connection.execute(
                    f"INSERT INTO calls ({columns}, sent_at)"
                    " VALUES (?, ?, 0, 'POST', 'https://a/', 'a b', 'c', 9, 'probe', .5, ?)",
                    (suspect, key, at),
                )
            end = "UPDATE calls SET status = ?, answer = ?, received_at = ?, outcome = ?"
            made.connection.execute(f"{end} WHERE key = 'k'", (200, b"[1]", at, "answered"))
            made.connection.execute(f"{end} WHERE key = 'l'", (500, b"", at, "failed"))
            made.gather()
        with sqlite3.connect(path) as plain:
            plain.execute("PRAGMA journal_mode = DELETE")
        return path.read_bytes()


def frame(header: object, values: bytes = b"") -> bytes:
    """A message between the processes."""
    text = json.dumps(header).encode()
    return len(text).to_bytes(4, "little") + text + values


def named_onnx() -> bytes:
    """An ONNX file of two layers, whose weights lie beside it and in it."""
    import onnx
    from onnx import TensorProto, helper

    beside = TensorProto(name="w", data_type=1, dims=[2, 2], data_location=TensorProto.EXTERNAL)
    for key, value in (("location", "weights.bin"), ("length", "16")):
        entry = beside.external_data.add()
        entry.key, entry.value = key, value
    inner = helper.make_graph([], "b", [], [], [beside])
    nodes = [
        helper.make_node("Constant", [], ["c"], value=beside),
        helper.make_node("If", ["x"], ["y"], then_branch=inner, else_branch=inner),
    ]
    content: bytes = helper.make_model(
        helper.make_graph(nodes, "g", [], [], [beside, onnx.TensorProto(name="i")])
    ).SerializeToString()
    return content


def committed(target: str) -> dict[str, bytes]:
    """Seeds that take other libraries, and are not made again (`tests/fuzzing/model_seeds.py`)."""
    files = (CORPUS / target).glob("seed-*")
    return {file.name.removeprefix("seed-"): file.read_bytes() for file in sorted(files)}


SPLIT = {
    "format": "birthmark-split/1",
    "images": sha256(b"i"),
    "count": 200,
    "classes": 10,
    "canaries": 0.01,
    "seed": "0" * 64,
}
BUILT = {
    "format": "birthmark-references/1",
    "settings": sha256(b"s"),
    "task": "classes",
    "images": sha256(b"i"),
    "owner_images": None,
    "seed": 0,
    "trained_on": 100,
    "checked_on": 20,
    "probes": 40,
    "share": 0.5,
    "victim": 0.9,
    "references": [
        {
            "file": "resnet/0.onnx",
            "digest": sha256(b"r"),
            "lineage": "resnet@x",
            "net": "resnet",
            "start": "x",
            "teacher": None,
            "recipe": {"epochs": 2, "layers": "last"},
            "seed": 0,
            "images": 60,
            "accuracy": 0.8,
            "rounds": 1,
            "short_by": 0.1,
            "seconds": 2.5,
        }
    ],
    "failures": {"vgg/0": "out of memory"},
}
RECIPE = """[own]
epochs = 5
rate = 0.01
layers = "last"
[others]
batch = 32
optimiser = "adamw"
augment = "face"
smoothing = 0.1
"""
PREPROCESSOR = {
    "image_processor_type": "ViTImageProcessor",
    "architectures": ["ViTForImageClassification"],
    "size": {"height": 8, "width": 8},
    "resample": 2,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "do_center_crop": False,
    "image_mean": [0.5],
    "image_std": [0.25],
}


def registered() -> dict[str, bytes]:
    """A task set, and sketches of a model with labels and of one without."""
    probes = [
        ProbeRecord(file=f"{i:05d}.png", digest=sha256(b"a"), pixels=sha256(b"b"), label=None)
        for i in range(20)
    ]
    images = ImageSetRecord(digest=sha256(b"c"), count=20, resize=(8, 8))
    task = RegistryFile(task=task_digest(probes), images=images, seed=0, probes=probes)
    numbers = [i % 9 - 4 for i in range(WIDTH)]
    told = SketchFile(
        task=task.task, fingerprint=task.task, answers=numbers, labels=numbers, weights=numbers
    )
    faces = told.model_copy(update={"labels": None, "weights": None})
    files = {"task": task, "sketch": told, "faces": faces}
    return {name: canonical_json(one.model_dump(mode="json")) for name, one in files.items()}


def seeds() -> dict[str, dict[str, bytes]]:
    """Files of every target; the first format's is not made again."""
    rng = np.random.default_rng(0)
    values = rng.random((4, 3)).astype(np.float32)
    labels = np.array([0, 1, 2, 1])
    names = np.array([f"{i:05d}.jpg" for i in range(4)])
    rows = "\n".join(f"{name},{','.join(map(str, row))}" for name, row in zip(names, values))  # noqa: B905
    bundles = {
        "logits": fingerprint(Kind.LOGITS, True),
        "labels": fingerprint(Kind.LABELS, False),
        "population": fingerprint(
            Kind.LOGITS, False, method="sac-cosine-l1@errors", population=POPULATION
        ),
        "first": (CORPUS / "bundle" / "seed-first").read_bytes(),
    }
    record = json.dumps(RECORD).encode()
    signed = audited(bundles["logits"])
    few = dict(pictures())
    grey = np.stack([_pixels(i, 1) for i in range(3)])
    colour = np.stack([_pixels(i) for i in range(3)])
    tensors = {"values": values}
    return {
        "bundle": bundles,
        "audit": bundles,
        "image": few,
        "images-folder": {name: few[name] for name in ("rgb.png", "colour.jpg")},
        "images-npz": {
            "grey": npz(images=grey),
            "colour": npz(True, images=colour, labels=np.arange(3)),
            "fortran": npz(images=np.asfortranarray(colour), labels=np.arange(3)),
        },
        "images-parquet": {
            "labels": parquet("snappy", pa.array([0, 1])),
            "dictionary": parquet("zstd", pa.array([1, 1], pa.int8())),
            "plain": parquet("none"),
        },
        "answers-csv": {
            "numbers": f"probe,a,b,c\n{rows}\n".encode(),
            "labels": b"probe,label\r\n00000.jpg,1\r\n00001.jpg,0\r\n",
            "quoted": b'\xef\xbb\xbfprobe,"a","b"\n"00000.jpg","1e-3",2\n"00001.jpg",-1,.5\n',
        },
        "answers-npz": {
            "values": npz(values=values, kind=np.array("logits"), probes=names),
            "labels": npz(True, values=labels, kind=np.array("labels")),
        },
        "answers-safetensors": {
            "values": safetensors.numpy.save(tensors, {"kind": "logits"}),
            "labels": safetensors.numpy.save({"values": labels}, {"kind": "labels"}),
        },
        "declaration": {"all": DECLARATION.encode()},
        "zoo-plan": {"small": PLAN.encode()},
        "zoo-record": {"victim": record},
        "api-template": {"base64": TEMPLATE.encode()},
        "api-answer": {
            "all": json.dumps(ANSWER).encode(),
            "numbers": b"[0.1, 2, -3e2]",
            "served": b'{"predictions": [[1, 2.5, 0]]}',
            "label": b'{"predictions": [2], "label": 1}',
        },
        "registry": registered(),
        "zoo-answers": {"small": zoo_answers()},
        "evidence": {"all": signed["evidence"], "detached": signed["detached"]},
        "result": {"audit": signed["result"]},
        "audit-answers": {"victim": signed["answers"]},
        "time-stamp": committed("time-stamp"),
        "ledger": {"two": ledger()},
        "split-plan": {"canaries": canonical_json(SPLIT)},
        "references-record": {"one": json.dumps(BUILT).encode()},
        "references-recipe": {"both": RECIPE.encode()},
        "onnx-names": {"three": named_onnx()},
        "sandbox-frames": {
            "takes": frame({"takes": {"name": "a", "dtype": "float32", "shape": [None, 1]}}),
            "values": frame({"dtype": "<f4", "shape": [2, 1]}, bytes(8)),
        },
        "weights-table": {"two": b'[["a.weight", [2, 3]], ["b", [4, 2, 3, 3]]]'},
        "hugging-face": {"vit": json.dumps(PREPROCESSOR).encode()},
        **{name: committed(name) for name in (f"weights-{one}" for one in WEIGHTS)},
    }


def main() -> None:
    """Write all of them."""
    for target, files in seeds().items():
        for name, data in files.items():
            path = CORPUS / target / f"seed-{name}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)


if __name__ == "__main__":
    main()
