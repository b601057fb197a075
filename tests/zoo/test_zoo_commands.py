"""`birthmark zoo` as a user runs it, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import zoo_world
from birthmark.zoo.plan import names, open_plan

pytest.importorskip("torch", reason="zoos need torch")

FAST = zoo_world.OBJECTS.replace("epochs = 8", "epochs = 0.5")


def run(*arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "birthmark", "zoo", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_build_show_answer_export(images: Path, here: Path) -> None:
    zoo_world.plan(FAST, here)
    build = ["build", "plan.toml", "--data", str(images), "--out", "zoo", "--workers", "1"]
    first = run(*build)
    assert "11 models in zoo, 11 of them new" in first.stdout
    assert "victim: accuracy" in first.stderr
    again = json.loads(run(*build, "--json").stdout)
    assert (again["models"], again["trained"], again["failures"]) == (11, 0, {})

    assert "11 models' answers to 140 probes" in run("answer", "zoo", "--out", "z.answers").stdout
    shown = run("show", "z.answers", "--markdown", "zoo.md", "--picture", "zoo.png").stdout
    assert "labels-thief" in shown
    assert "`birthmark zoo show z.answers --markdown zoo.md`" in (here / "zoo.md").read_text()
    assert (here / "zoo.png").read_bytes().startswith(b"\x89PNG")
    groups = json.loads(run("show", "zoo", "--json").stdout)["groups"]
    assert [group["group"] for group in groups][:2] == ["victim", "reference"]

    exported = json.loads(run("export", "zoo", "victim", "--out", "onnx", "--json").stdout)
    assert exported["difference"] < 1e-3
    assert {file.name for file in (here / "onnx").iterdir()} == {"model.onnx", "birthmark.toml"}


def test_plans_are_listed() -> None:
    listed = json.loads(run("plans", "--json").stdout)
    assert [plan["name"] for plan in listed] == names()
    assert "cs.toronto.edu" in run("plans").stdout


def test_a_plan_is_printed_to_start_from(here: Path) -> None:
    (here / "mine.toml").write_text(run("plans", "faces").stdout)
    assert open_plan(str(here / "mine.toml")) == open_plan("faces")
    assert json.loads(run("plans", "faces", "--json").stdout)["name"] == "faces"


def test_recipes_are_listed_with_their_parameters() -> None:
    listed = {one["name"]: one for one in json.loads(run("recipes", "--json").stdout)}
    assert listed["magnitude-pruned"]["parameters"]["ratio"] == 0.5
    assert listed["rounded"]["is"] == "disguise"
    assert "  ratio = 0.5\n" in run("recipes").stdout


def test_bad_input_is_one_line(images: Path, here: Path) -> None:
    zoo_world.plan(FAST, here)
    build = ["build", "plan.toml", "--data", str(images), "--out", "zoo"]
    cases = {
        "name a TOML file or one of": ["build", "cars", "--data", ".", "--out", "x"],
        "choose from tiny, cpu, paper": [*build, "--scale", "big"],
        "write it as vgg=module:function": [*build, "--lineage", "vgg"],
        "engine 'slurm': is not known": [*build, "--engine", "slurm"],
        "get the binary version": ["build", "objects", "--data", ".", "--out", "x"],
        "network nowhere:net: cannot be made": [*build, "--lineage", "vgg=nowhere:net"],
        "is not a folder": ["build", "objects", "--data", "nowhere", "--out", "x"],
        "is not a zoo": ["show", "."],
        "does not exist": ["show", "z.answers"],
        "run `birthmark zoo build`": ["answer", ".", "--out", "x.answers"],
    }
    for message, arguments in cases.items():
        said = run(*arguments, code=2).stderr
        assert message in said
        assert said.count("\n") == 1, said


def test_what_cannot_be_made_is_told_and_the_exit_code_is_2(images: Path, here: Path) -> None:
    zoo_world.plan(FAST, here)
    build = ["build", "plan.toml", "--data", str(images), "--out", "zoo", "--workers", "1"]
    (here / "my_nets.py").write_text(
        "from torch import nn\n"
        "def net(outputs, channels, size):\n"
        "    layer = nn.Linear(channels * size * size, outputs)\n"
        "    return nn.Sequential(nn.Flatten(), layer if outputs == 2 else 1 / 0)\n"
    )
    done = run(*build, "--lineage", "vgg=my_nets:net", code=2)
    assert "Not made: victim: network my_nets:net: cannot be made (ZeroDivision" in done.stdout
    assert "Not tried, since they need one of these: 10 models" in done.stdout


def test_without_torch_it_says_what_to_install(here: Path) -> None:
    (here / "no_torch").mkdir()
    (here / "no_torch" / "sitecustomize.py").write_text(
        "import importlib.util as u\n"
        "real = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'torch' else real(name, *rest)\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "birthmark", "zoo", "answer", ".", "--out", "x"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(here / "no_torch")},
    )
    assert done.returncode == 2
    assert "pip install 'birthmark[torch]'" in done.stderr
