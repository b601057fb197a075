"""A hostile file can do little, and whatever it does is one line to the user."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import world
from birthmark import BirthmarkError, as_suspect
from birthmark.models.sandbox import Limits, Sandboxed, launcher, process
from birthmark.models.sandbox.protections import ITS_FOLDER, LIMITED_MEMORY, NO_REACH, NO_WRITING
from waiting import PATIENCE, wait_until

HERE = str(Path(__file__).parent)
SMALL = Limits(memory=256 << 20, answer=8 << 20)
HURRIED = replace(SMALL, run_seconds=0.6)
NEVER_DONE = ("loop", "drip", "drip on")
LIVING_ON = "close"
BATCH = np.arange(6, dtype=np.float32).reshape(3, 2)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(HERE)
    monkeypatch.setenv("A_SECRET", "key")
    (tmp_path / "elsewhere").write_text("x")
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "beside").write_text("x")
    (folder / "link").symlink_to("/etc/passwd")
    (folder / "m.onnx").write_text("x")
    return folder / "m.onnx"


@pytest.fixture(autouse=True)
def patient(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine, the end of a process is told; of one that goes on it never is."""
    if LIVING_ON not in request.node.name:
        monkeypatch.setattr(launcher, "REAPING", PATIENCE)


def opened(loader: str, file: Path, what: str, limits: Limits = SMALL) -> Sandboxed:
    return Sandboxed(f"hostile_runtimes:{loader}", file, {"what": what}, limits)


LOADING = {
    "loop": "took too long while it was loaded; to allow more seconds, set BIRTHMARK_SECONDS",
    "hog": "",
    "crash": "ended its own process while it was loaded (SIGSEGV)",
    "exit": "ended its own process while it was loaded (exit code 7)",
    "leave": "is not a readable model (SystemExit)",
    "raise": "is not a readable model (ZeroDivisionError: division by zero)",
    "multiline": "is not a readable model (ValueError: one [31mtwoone",
    "no takes": "answered while it was loaded with an input of {'name': 3}",
    "many sides": "answered while it was loaded with an input of",
    "list": "a header that is not an object",
}


@pytest.mark.parametrize("what", LOADING)
def test_what_a_file_does_when_loaded_is_one_line(what: str, file: Path) -> None:
    limits = replace(SMALL, load_seconds=1.5) if what in NEVER_DONE else SMALL
    with pytest.raises(BirthmarkError) as error:
        opened("on_load", file, what, limits)
    assert LOADING[what] in str(error.value)
    assert str(error.value).isprintable()


RUNNING = {
    "loop": "took too long on an image; to allow more seconds, set BIRTHMARK_SECONDS",
    "drip": "took too long on an image",
    "drip on": "took too long on an image",
    "threads": "threads on an image",
    "hollow": "the shape (0, 549755813888, 549755813888), which is over 8 MiB",
    "crash": "ended its own process on an image (SIGSEGV)",
    "abort": "ended its own process on an image (SIG",
    "close": "ended its own process on an image",
    "raise": "failed on an image (ZeroDivisionError",
    "words": "answers with <U1; export numbers",
    "objects": "answers with object",
    "wide": "answers with the shape (1, 2097152); export a model with at most 1048576 numbers",
    "much": "the shape (8192, 2048), which is over 8 MiB",
    "absurd": "the shape (549755813888, 549755813888), which is over 8 MiB",
    "negative": "the shape [-1, 5]",
    "axes": "the shape [1, 1, 1",
    "pickled": "numbers of the type '|O'",
    "no dtype": "numbers of the type [['a', '<f4']]",
    "list": "a header that is not an object",
    "deep": "a header that is not JSON",
    "no json": "a header that is not JSON",
    "no header": "a header of 4294967295 bytes",
    "half": "ended its own process on an image (exit code 0)",
}


@pytest.mark.parametrize("what", RUNNING)
def test_what_a_file_does_when_run_is_one_line(what: str, file: Path) -> None:
    model = opened("on_run", file, what, HURRIED if what in NEVER_DONE else SMALL)
    with pytest.raises(BirthmarkError) as error:
        model.run(BATCH)
    assert RUNNING[what] in str(error.value)
    assert str(error.value).isprintable()


def test_memory_is_limited(file: Path) -> None:
    limits = Limits(memory=256 << 20)
    with opened("on_run", file, "hog", limits) as model, pytest.raises(BirthmarkError) as error:
        model.run(BATCH)
    assert "MemoryError" in str(error.value) or "took more than 0.25 GiB" in str(error.value)


ALLOWED = ("a thread", "its file")
REFUSED = {
    "a file beside it": ITS_FOLDER,
    "a file elsewhere": ITS_FOLDER,
    "a link beside it": ITS_FOLDER,
    "list elsewhere": ITS_FOLDER,
    "passwords": ITS_FOLDER,
    "parent's environment": ITS_FOLDER,
    "remove": ITS_FOLDER,
    "write beside it": NO_WRITING,
    "append": NO_WRITING,
    "write here": NO_WRITING,
    "connect": NO_REACH,
    "listen": NO_REACH,
    "resolve": NO_REACH,
    "a program": NO_REACH,
    "exec": NO_REACH,
    "fork": NO_REACH,
    "clone": NO_REACH,
    "kill its parent": NO_REACH,
    "kill its group": NO_REACH,
    "memory": LIMITED_MEMORY,
    "change its mode": NO_REACH,
    "change its time": NO_REACH,
    "change its owner": NO_REACH,
    "mark it": NO_REACH,
    "watch it": NO_REACH,
    "slow its parent": NO_REACH,
    "move its parent": NO_REACH,
    "environment": None,
    "standard input": None,
}


@pytest.mark.parametrize("what", [*ALLOWED, *REFUSED])
def test_what_a_process_may_do(what: str, file: Path) -> None:
    with opened("attempt", file, what) as model:
        if what not in ALLOWED and REFUSED[what] not in (None, *model.protections):
            assert REFUSED[what] in model.missing or REFUSED[what] == NO_WRITING
            pytest.skip(f"this system does not have: {REFUSED[what]}")
        assert model.run(BATCH).ravel()[0] == (what in ALLOWED)
    assert file.read_text() == "x"


def test_a_failed_image_leaves_the_model_usable(file: Path) -> None:
    with opened("on_run", file, "raise") as model:
        for _ in range(2):
            with pytest.raises(BirthmarkError, match="failed on an image"):
                model.run(BATCH)
        assert model._process is not None


@pytest.fixture
def model(file: Path) -> Any:
    world.export(world.victim(), file)
    with Sandboxed("onnx", file) as model:
        yield model


IMAGES = np.linspace(-1, 1, 3 * 64, dtype=np.float32).reshape(3, 1, 8, 8)


def test_answers_are_those_of_the_file(model: Sandboxed) -> None:
    expected = world.victim().decision_function(IMAGES.reshape(3, -1))
    assert np.allclose(model.run(IMAGES), expected, atol=1e-4)
    assert model.takes.shape == (None, 1, 8, 8)
    threads = [threading.Thread(target=model.run, args=(IMAGES,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert np.allclose(model.run(IMAGES), expected, atol=1e-4)


def test_batches_go_through_the_socket_where_memory_is_not_shared(
    model: Sandboxed, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = model.run(IMAGES)
    monkeypatch.setattr("birthmark.models.sandbox.shared_memory.Sharing.put", lambda *_: None)
    many = np.repeat(IMAGES, 2000, axis=0)
    assert np.allclose(model.run(many).reshape(3, 2000, -1), before[:, None], atol=1e-4)


def test_idle_processes_are_ended_and_begun_anew(
    model: Sandboxed, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = model.run(IMAGES)
    with monkeypatch.context() as patch:
        # what earlier tests began counts too, until it is collected, so begin with none
        patch.setattr(process, "_USED", OrderedDict())
        patch.setattr(process, "AT_ONCE", 2)
        models = [Sandboxed("onnx", file) for _ in range(4)]
        usable = [one._process is not None and one._process.usable for one in models]
        assert usable == [True, False, False, True]
        assert all(np.allclose(one.run(IMAGES), before, atol=1e-5) for one in models)
        for one in models:
            one.close()
    with pytest.raises(BirthmarkError, match="was closed"):
        models[0].run(IMAGES)


def test_a_file_that_changes_is_noticed(model: Sandboxed, file: Path) -> None:
    assert model._process is not None
    model._process.close()
    os.utime(file, ns=(1, 1))
    with pytest.raises(BirthmarkError, match="has changed since it was opened"):
        model.run(IMAGES)


def test_a_fork_of_the_parent_begins_its_own(model: Sandboxed) -> None:
    before = model.run(IMAGES)
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        same = False
        try:
            same = np.allclose(model.run(IMAGES), before, atol=1e-5)
        finally:
            os.write(writing, b"y" if same else b"n")
            os._exit(0)
    os.waitpid(pid, 0)
    assert os.read(reading, 1) == b"y"
    assert np.allclose(model.run(IMAGES), before, atol=1e-5)


def test_files_are_bounded_before_they_are_loaded(file: Path) -> None:
    for path, limits, said in (
        (file, Limits(file=0), "m.onnx: is over 0 GiB; to allow more, set BIRTHMARK_FILE"),
        (file.parent, Limits(file=1), "model: is over"),
        (file.parent / "none", Limits(), "none: does not exist"),
        (Path(os.devnull), Limits(), "is not a regular file"),
    ):
        with pytest.raises(BirthmarkError, match=said):
            Sandboxed("onnx", path, limits=limits)


def test_limits_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIRTHMARK_MEMORY_GIB", "0.5")
    monkeypatch.setenv("BIRTHMARK_SECONDS", "7")
    assert Limits.of_environment() == Limits(memory=1 << 29, load_seconds=7, run_seconds=7)
    for bad in ("-1", "nan", "much"):
        monkeypatch.setenv("BIRTHMARK_FILE_GIB", bad)
        with pytest.raises(BirthmarkError, match="BIRTHMARK_FILE_GIB: is"):
            Limits.of_environment()


@pytest.mark.parametrize("how", ["exit", "kill", "interrupt"])
def test_nothing_is_left_behind(how: str, file: Path) -> None:
    world.export(world.victim(), file)
    code = (
        "import signal, time; from pathlib import Path\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # shells may have it ignored
        "from birthmark.models.sandbox import Sandboxed\n"
        f"model = Sandboxed('onnx', Path({str(file)!r}))\n"
        "print(model._process._life.pid, flush=True)\n"
        f"time.sleep({0 if how == 'exit' else 2 * PATIENCE})"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    if how != "exit":
        parent.send_signal(signal.SIGKILL if how == "kill" else signal.SIGINT)
    parent.wait(PATIENCE)
    wait_until(lambda: not exists(child))


def exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_an_audit_tells_which_protections_were_missing(
    file: Path, fingerprint: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.export(world.thief(), file)
    suspect = as_suspect(file, world.DECLARED)
    told = "run on a system that lacks a protection"
    whole = fingerprint.audit(suspect)
    monkeypatch.setattr(Sandboxed, "missing", [ITS_FOLDER])
    assert any("read your files" in one for one in fingerprint.audit(suspect).findings)
    monkeypatch.setattr(Sandboxed, "missing", [NO_REACH])
    lacking = fingerprint.audit(suspect)
    assert [one for one in lacking.findings if told in one] == [
        "The suspect's file was run on a system that lacks a protection: no network and no"
        " programs. A hostile file could have done more than answer, even to this audit."
    ]
    assert lacking.verdict is whole.verdict


def test_a_scripts_folder_is_not_where_a_model_may_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    assert str(tmp_path) in launcher._paths()
    main = sys.modules["__main__"]
    monkeypatch.setattr(main, "__file__", str(tmp_path / "script.py"), raising=False)
    assert str(tmp_path) not in launcher._paths()


def test_large_images_are_asked_about_one_by_one(file: Path) -> None:
    model = world.victim()
    world.write_onnx(file, model.coef_.T, model.intercept_, ("n", 1, "height", "width"))
    large = as_suspect(file, world.DECLARED | {"size": (8192, 8192)})
    assert (large.batch, as_suspect(file, world.DECLARED).batch) == (1, 32)
