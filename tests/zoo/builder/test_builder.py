from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from joblib.externals.loky import get_reusable_executor

import zoo_world
from birthmark import BirthmarkError
from birthmark.zoo.models.record import read, record_file
from birthmark.zoo.plan import Role
from waiting import wait_until

pytest.importorskip("torch", reason="zoos need torch")

from birthmark.zoo.builder import build_zoo
from birthmark.zoo.builder.members import members
from birthmark.zoo.plan import open_zoo

SMALL = zoo_world.OBJECTS.replace("epochs = 8", "epochs = 0.5").replace("count = 4", "count = 3")

FACTORY = """
# Before any training every network is made once with two outputs; what goes wrong later has ten.
import os
from pathlib import Path

from torch import nn


def small(outputs, channels, size):
    return nn.Sequential(nn.Flatten(), nn.Linear(channels * size * size, outputs))


def deadly(outputs, channels, size):
    if outputs != 10:
        return small(outputs, channels, size)
    with Path("deaths").open("a") as file:
        file.write("x")
    os._exit(9)


def once(outputs, channels, size):
    if outputs == 10 and not Path("deaths").exists():
        deadly(outputs, channels, size)
    return small(outputs, channels, size)


def broken(outputs, channels, size):
    if outputs == 10:
        raise RuntimeError("out of luck")
    return small(outputs, channels, size)


def headless(outputs, channels, size):
    return nn.Sequential(nn.Conv2d(channels, outputs, size), nn.Flatten())


def wrong(outputs, channels, size):
    return small(outputs + 1, channels, size)
"""


@pytest.fixture
def factories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with networks of one's own; worker processes of earlier tests are elsewhere."""
    get_reusable_executor().shutdown(wait=True, kill_workers=True)
    (tmp_path / "my_nets.py").write_text(FACTORY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop("my_nets", None)
    return tmp_path


def digests(folder: Path) -> dict[str, str | None]:
    plan = open_zoo(folder)
    records = [read(folder, member.name) for member in members(plan)]
    return {record.name: record.weights for record in records if record is not None}


def test_a_second_build_trains_nothing(objects: zoo_world.Zoo) -> None:
    again = build_zoo(objects.plan, objects.data, objects.folder)
    assert again.trained == []
    assert len(again.records) == len(members(objects.plan))


def test_records_say_what_was_made(objects: zoo_world.Zoo) -> None:
    records = {m.name: read(objects.folder, m.name) for m in members(objects.plan)}
    victim, renamed = records["victim"], records["renamed/0"]
    assert victim is not None
    assert renamed is not None
    assert victim.fidelity == 1
    assert victim.images > 400
    assert (renamed.parent, renamed.weights) == ("victim", None)
    assert (renamed.accuracy, renamed.fidelity) == (victim.accuracy, 1)
    assert all(r is not None and 0 <= r.accuracy <= 1 for r in records.values())
    assert all(r.fidelity is None for r in records.values() if r and r.task == "new")


def test_killed_builds_go_on_where_they_were(images: Path, tmp_path: Path) -> None:
    zoo_world.plan(zoo_world.OBJECTS.replace("epochs = 8", "epochs = 2"), tmp_path)
    out = tmp_path / "zoo"
    command = [sys.executable, "-m", "birthmark", "zoo", "build", str(tmp_path / "plan.toml")]
    command += ["--data", str(images), "--out", str(out), "--workers", "1"]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    wait_until(lambda: record_file(out, "reference/1").exists() or process.poll() is not None)
    assert process.poll() is None
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    before = {file: file.stat().st_mtime_ns for file in out.rglob("*.safetensors")}
    (out / "models" / "reference" / ".2.json.cut.part").mkdir()
    plan = open_zoo(out)
    built = build_zoo(plan, images, out)
    finished = {name for name in digests(out) if name not in built.trained}
    assert {"victim", "reference/0", "reference/1"} <= finished
    assert not finished & set(built.trained)
    assert not built.failures
    assert all(
        file.stat().st_mtime_ns == at
        for file, at in before.items()
        if file.exists() and file.stem != "2"
    )
    whole = build_zoo(plan, images, tmp_path / "other")
    assert not whole.failures
    assert digests(out) == digests(tmp_path / "other")


def test_half_files_and_altered_weights_are_made_again(images: Path, tmp_path: Path) -> None:
    plan = zoo_world.plan(SMALL, tmp_path)
    out = tmp_path / "zoo"
    build_zoo(plan, images, out)
    record_file(out, "reference/0").unlink()
    (out / "models" / "reference" / "1.safetensors").unlink()
    assert set(build_zoo(plan, images, out).trained) == {"reference/0", "reference/1"}


def test_a_changed_plan_trains_what_depends_on_it(images: Path, tmp_path: Path) -> None:
    out = tmp_path / "zoo"
    build_zoo(zoo_world.plan(SMALL, tmp_path), images, out)
    changed = SMALL.replace('layers = ["all", "last"]', 'layers = ["last", "last"]')
    built = build_zoo(zoo_world.plan(changed, tmp_path), images, out)
    assert built.trained == ["finetuned/0"]
    with pytest.raises(BirthmarkError, match="holds the zoo digits at scale cpu"):
        build_zoo(zoo_world.plan(SMALL, tmp_path).scaled("tiny"), images, out)


def test_groups_at_the_end_change_no_other_model(objects: zoo_world.Zoo, tmp_path: Path) -> None:
    out = tmp_path / "zoo"
    shutil.copytree(objects.folder, out)
    before = {m.name: read(out, m.name) for m in members(objects.plan)}
    larger = zoo_world.plan(zoo_world.OBJECTS + zoo_world.COMPANIONS, tmp_path)
    built = build_zoo(larger, objects.data, out)
    assert set(built.trained) == {"surrogate/0", "surrogate/1", "outsider/0", "outsider/1"}
    assert {r.name: r for r in built.records if r.role is not Role.COMPANION} == before
    assert {r.role for r in built.records if r.name in built.trained} == {Role.COMPANION}


def test_innocents_are_only_compared_anew_where_the_victim_changes(
    images: Path, tmp_path: Path
) -> None:
    out = tmp_path / "zoo"
    before = build_zoo(zoo_world.plan(SMALL, tmp_path), images, out)
    text = SMALL.replace('families = ["vgg"]', 'families = ["vgg"]\nparameters = { epochs = 3 }')
    after = build_zoo(zoo_world.plan(text, tmp_path), images, out)
    innocent = {m.name for m in members(open_zoo(out)) if m.role is Role.REFERENCE}
    assert innocent == {r.name for r in after.records} - set(after.trained)
    fidelities = [
        [r.fidelity for r in built.records if r.role is Role.REFERENCE] for built in (before, after)
    ]
    assert fidelities[0] != fidelities[1]


@pytest.mark.parametrize("engine", ["joblib", "ray"])
def test_every_engine_gives_the_same_result(
    engine: str, images: Path, tmp_path: Path, small: dict[str, str | None]
) -> None:
    if engine == "ray":
        pytest.importorskip("ray", reason="the engine ray needs Ray")
    plan = zoo_world.plan(SMALL, tmp_path)
    built = build_zoo(plan, images, tmp_path / "zoo", workers=2, engine=engine)
    assert not built.failures
    assert digests(tmp_path / "zoo") == small


@pytest.fixture(scope="module")
def small(images: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str | None]:
    folder = tmp_path_factory.mktemp("small")
    build_zoo(zoo_world.plan(SMALL, folder), images, folder / "zoo")
    return digests(folder / "zoo")


def test_a_worker_that_dies_is_retried_once_then_reported(images: Path, factories: Path) -> None:
    plan = zoo_world.plan(SMALL, factories).with_nets({"mobilenet": "my_nets:deadly"})
    built = build_zoo(plan, images, factories / "zoo", workers=2)
    failed = {m.name for m in members(plan) if m.family == "mobilenet"}
    assert set(built.failures) == failed
    assert set(built.failures.values()) == {"its worker died, twice"}
    assert len(failed) < len((factories / "deaths").read_text()) <= 2 * len(failed)
    assert {r.role for r in built.records} == {Role.VICTIM, Role.REFERENCE, Role.STOLEN}


def test_a_worker_that_dies_once_is_no_failure(images: Path, factories: Path) -> None:
    plan = zoo_world.plan(SMALL, factories).with_nets({"mobilenet": "my_nets:once"})
    built = build_zoo(plan, images, factories / "zoo", workers=2)
    assert (factories / "deaths").read_text() == "x"
    assert not built.failures


def test_what_fails_is_reported_and_the_rest_goes_on(images: Path, factories: Path) -> None:
    plan = zoo_world.plan(SMALL, factories).with_nets({"mobilenet": "my_nets:broken"})
    built = build_zoo(plan, images, factories / "zoo")
    assert len(built.records) + len(built.failures) == len(members(plan))
    assert len(built.failures) == sum(m.family == "mobilenet" for m in members(plan)) > 0
    assert all("RuntimeError: out of luck" in why for why in built.failures.values())


def test_what_needs_a_model_that_failed_is_skipped(images: Path, factories: Path) -> None:
    plan = zoo_world.plan(SMALL, factories).with_nets({"vgg": "my_nets:broken"})
    built = build_zoo(plan, images, factories / "zoo")
    assert list(built.failures) == ["victim"]
    assert set(built.skipped) == {m.name for m in members(plan)} - {"victim"}


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        ("my_nets:wrong", r"answers two images with \(2, 3\); make it return \(2, 2\)"),
        ("my_nets:none", "cannot be made .*has no attribute 'none'"),
        ("my_nets:headless", "has no linear layer"),
        ("no_such_module:small", "cannot be made .*No module named"),
        ("vggg", "did you mean vgg"),
    ],
)
def test_networks_are_tried_before_anything_is_read(
    factory: str, message: str, factories: Path
) -> None:
    plan = zoo_world.plan(SMALL, factories).with_nets({"mobilenet": factory})
    with pytest.raises(BirthmarkError, match=message):
        build_zoo(plan, factories / "no images", factories / "zoo")
    assert not (factories / "zoo").exists()


def test_foreign_folders_are_left_alone(images: Path, tmp_path: Path) -> None:
    plan = zoo_world.plan(SMALL, tmp_path)
    with pytest.raises(BirthmarkError, match="is not empty"):
        build_zoo(plan, images, tmp_path)
    with pytest.raises(BirthmarkError, match="is not a folder"):
        build_zoo(plan, tmp_path / "nowhere", tmp_path / "zoo")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BirthmarkError, match=r"data_batch_1\.bin"):
        build_zoo(plan, tmp_path / "empty", tmp_path / "zoo")
    assert not (tmp_path / "zoo" / "plan.json").exists()


def test_networks_of_ones_own(images: Path, factories: Path) -> None:
    nets = {"vgg": "my_nets:small", "mobilenet": "my_nets:small"}
    plan = zoo_world.plan(SMALL, factories).with_nets(nets)
    built = build_zoo(plan, images, factories / "zoo")
    assert not built.failures
    assert len(built.records) == len(members(plan))
