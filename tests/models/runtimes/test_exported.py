"""Archives of torch.export that would run something when they are read, and do not."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import model_files
import world
from birthmark import BirthmarkError
from birthmark.models.runtimes.exported import _is_size, cleaned

torch: Any = pytest.importorskip("torch", reason="the extra 'torch' is not installed")
MODEL, WEIGHTS = "models/model.json", "data/weights/model_weights_config.json"
CONSTANTS = "data/constants/model_constants_config.json"


class Evil:
    """Writes a file when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return Path.touch, (self.marker,)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return model_files.exported(tmp_path_factory.mktemp("exported"))


def contents(archive: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(archive) as file:
        return {name.partition("/")[2]: file.read(name) for name in file.namelist()}


def written(path: Path, held: dict[str, bytes]) -> Path:
    return model_files.zipped(path, {f"v/{name}": content for name, content in held.items()})


def edited(held: dict[str, bytes], name: str, edit: Callable[[Any], object]) -> None:
    value = json.loads(held[name])
    edit(value)
    held[name] = json.dumps(value).encode()


def pickled(marker: Path) -> bytes:
    buffer = io.BytesIO()
    torch.save((Evil(marker),), buffer)
    return buffer.getvalue()


def test_an_archive_answers_as_the_module_that_was_exported(archive: Path) -> None:
    from birthmark.models.runtimes.torch_export import load

    runtime = load(archive, {})
    assert runtime.takes.shape == (None, 1, 8, 8)
    flat = world.flat(world.pictures()[0][:5])
    values = runtime.run(flat.reshape(-1, 1, 8, 8))
    assert np.allclose(values, world.victim().decision_function(flat), atol=1e-4)


def test_sample_inputs_are_dropped_unread(archive: Path, tmp_path: Path) -> None:
    from birthmark.models.runtimes.torch_export import load

    marker, held = tmp_path / "marker", contents(archive)
    held["data/sample_inputs/model.pt"] = pickled(marker)
    file = written(tmp_path / "v.pt2", held)
    assert load(file, {}).takes.name == "input"
    assert not marker.exists()


def graph(value: Any) -> Any:
    return value["graph_module"]["graph"]


def signature(value: Any) -> Any:
    return value["graph_module"]["module_call_graph"][0]["signature"]


RUNS = "[__import__('pathlib').Path('marker').touch()]"
ENUM = json.dumps(
    [1, {"type": "builtins.dict", "context": json.dumps({"__enum__": True, "fqn": "this:x"}),
         "children_spec": []}]
)  # fmt: skip
REFUSED: dict[str, tuple[str, Callable[[Any], object], str]] = {
    "pickled weight": (
        WEIGHTS,
        lambda v: v["config"]["1.weight"].update(use_pickle=True),
        "names a pickle",
    ),
    "opaque constant": (
        CONSTANTS,
        lambda v: v["config"].update(x={"path_name": "opaque_obj_0", "use_pickle": False}),
        "names opaque_obj_0",
    ),
    "torchbind constant": (
        CONSTANTS,
        lambda v: v["config"].update(x={"path_name": "custom_obj_0", "use_pickle": False}),
        "names custom_obj_0",
    ),
    "operator outside": (
        MODEL,
        lambda v: graph(v)["nodes"][0].update(target="torch.os.system"),
        "'torch.os.system', which is not allowed",
    ),
    "operator on files": (
        MODEL,
        lambda v: graph(v)["nodes"][0].update(target="torch.ops.aten.save.default"),
        "aten.save",
    ),
    "code as a node's name": (
        MODEL,
        lambda v: graph(v)["nodes"][0].update(name=f"x = {RUNS}\nflatten"),
        "not allowed",
    ),
    "code as a size": (
        MODEL,
        lambda v: v["range_constraints"].update(s0={"min_val": {"expr_str": RUNS}}),
        "not allowed",
    ),
    "code as a weight's name": (
        WEIGHTS,
        lambda v: v["config"].update({f'x", {RUNS}': v["config"]["1.weight"]}),
        "not allowed",
    ),
    "an enumeration to import": (
        MODEL,
        lambda v: signature(v).update(in_spec=ENUM),
        "not allowed",
    ),
    "no object": (MODEL, lambda v: v.pop("graph_module"), "not an archive of torch.export"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_would_run_is_refused(case: str, archive: Path, tmp_path: Path) -> None:
    name, edit, said = REFUSED[case]
    held = contents(archive)
    edited(held, name, edit)
    with pytest.raises(BirthmarkError) as error:
        cleaned(written(tmp_path / "v.pt2", held))
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_guards_and_notes_are_dropped(archive: Path, tmp_path: Path) -> None:
    held = contents(archive)
    edited(held, MODEL, lambda v: v.update(guards_code=[RUNS]))
    kept = contents_of(cleaned(written(tmp_path / "v.pt2", held)))
    assert kept["guards_code"] == []
    assert all(node["metadata"] == {} for node in graph(kept)["nodes"])


def contents_of(buffer: io.BytesIO) -> Any:
    with zipfile.ZipFile(buffer) as file:
        return json.loads(file.read(f"v/{MODEL}"))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("data/aotinductor/model/x.so", "compiled code"),
        ("data/weights/model.pt", "only unpickling could read"),
        ("data/constants/model.pt", "only unpickling could read"),
        ("models/other.json", "only unpickling could read"),
    ],
)
def test_foreign_members_are_refused(archive: Path, tmp_path: Path, name: str, said: str) -> None:
    held = contents(archive) | {name: pickle.dumps(1)}
    with pytest.raises(BirthmarkError, match=said):
        cleaned(written(tmp_path / "v.pt2", held))


SIZES = [
    "s77",
    "8*s0 + 1",
    "Mul(Integer(3), Symbol('s0', positive=True, integer=True))",
    "Max(1, u0)",
]
CODE = [
    "__import__('os')",
    "s0.x",
    "().__class__",
    "Symbol('x')",
    "print(1)",
    "(lambda: 1)()",
    "s0[0]",
]


def test_sizes_are_sizes() -> None:
    assert [text for text in SIZES if not _is_size(text)] == []
    assert [text for text in CODE if _is_size(text)] == []
