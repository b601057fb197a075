"""The commands as a user runs them, in a process of their own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import commands
import world

ENROLL = ["enroll", "--model", "victim.onnx", "--lineage", "linear", "--images", "images"]
ENROLL += ["--references", "references"]
ENROLL += ["--start", "random", "-n", "60", "--out", "v.birthmark"]


def run(*arguments: str, code: int = 0, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "birthmark", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture
def enrolled(files: Path) -> Path:
    run(*ENROLL)
    return files


def test_enroll_audit_inspect_seal(enrolled: Path) -> None:
    first = (enrolled / "v.birthmark").read_bytes()
    seal = json.loads(run(*ENROLL, "--force", "--json").stdout)["seal"]
    assert (enrolled / "v.birthmark").read_bytes() == first
    assert run("seal", "v.birthmark").stdout.strip() == seal
    shown = json.loads(run("inspect", "v.birthmark", "--json").stdout)
    assert shown["seal"] == seal
    names = [(one["lineage"], one["name"]) for one in shown["manifest"]["references"]]
    assert names[0] == ("lda", "lda/02.onnx")
    assert shown["manifest"]["start"] == "random"
    said = " ".join(run("inspect", "v.birthmark").stdout.split())
    assert "20: 5 lda, 5 linear, 5 ridge, 5 smooth" in said
    assert "fits the references" in said
    assert "accuracy victim 0." in said

    result = json.loads(
        run("audit", "v.birthmark", "--suspect", "suspect.onnx", "--out", "a", "--json").stdout
    )
    assert result["verdict"] == "derived"
    assert result["fingerprint"] == seal
    assert json.loads((enrolled / "a" / "result.json").read_text()) == result
    assert {file.name for file in (enrolled / "a").iterdir()} == {
        "result.json",
        "report.html",
        "answers.safetensors",
    }
    said = run("audit", "v.birthmark", "--suspect", "other.onnx", "--out", "b").stdout
    assert "DERIVED" not in said
    again = run(
        "audit", "v.birthmark", "--suspect", "a/answers.safetensors", "--out", "c", "--json"
    )
    for field in ("verdict", "p_value", "score", "answers", "references"):
        assert json.loads(again.stdout)[field] == result[field]


def test_companions(files: Path) -> None:
    helping = ["--surrogate", "suspect.onnx", "--outsider", "other.onnx"]
    said = run(*ENROLL, "-n", "10", "--method", "sac-w", *helping).stdout
    assert "surrogates 1, outsiders 1" in said
    manifest = json.loads(run("inspect", str(files / "v.birthmark"), "--json").stdout)["manifest"]
    assert [one["name"] for one in manifest["companions"]["outsiders"]] == ["other.onnx"]
    audited = run("audit", "v.birthmark", "--suspect", "other.onnx", "--out", "f", "--json").stdout
    assert "other.onnx, which helped to choose the probes." in audited


def test_probes_by_hand(enrolled: Path) -> None:
    run("probes", "v.birthmark", "--out", "probes")
    from birthmark import Fingerprint, Image

    rows = ["probe," + ",".join("abcdefghij")]
    for file in sorted((enrolled / "probes").iterdir()):
        pixels = Image(file.read_bytes(), file.name).pixels[None, ..., 0]
        answer = world.thief().decision_function(world.flat(pixels))[0]
        rows.append(f"{file.name},{','.join(f'{x:.6f}' for x in answer)}")
    (enrolled / "by-hand.csv").write_text("\n".join(rows))
    assert len(rows) == 61
    assert Fingerprint.open("v.birthmark").probes[0].name in rows[1]
    said = run(
        "audit", "v.birthmark", "--suspect", "by-hand.csv", "--output", "logits", "--out", "d"
    )
    assert said.stdout.startswith("DERIVED")


def test_a_function_and_options(enrolled: Path) -> None:
    (enrolled / "mine.py").write_text(
        "import numpy as np\n"
        "def model(images):\n    return images.reshape(len(images), -1)[:, :10].cumsum(1)\n"
    )
    said = run(
        "audit", "v.birthmark", "--suspect", "mine:model", "--out", "e", "--json", *world.DECLARING
    )
    result = json.loads(said.stdout)
    assert result["suspect"]["adapter"] == "callable"
    assert result["suspect"]["declaration"]["size"] == [8, 8]


AUDIT = ["audit", "v.birthmark", "--suspect", "suspect.onnx", "--out", "out"]
BAD = {
    "no references": ([*ENROLL[:7], "--out", "w.birthmark"], "references: there are none"),
    "empty references": ([*ENROLL[:7], "--references", "empty", "--out", "w.birthmark"],
                         "empty: holds no models"),
    "there already": (ENROLL, "v.birthmark: is there already; name a new file, or pass --force"),
    "undeclared": (["audit", "v.birthmark", "--suspect", "bare/a/b/c/suspect.onnx", "--out", "out"],
                   "float32 [any, 1, 8, 8]): Birthmark must know its preprocessing and output"),
    "contradicted": ([*AUDIT, "--mean", "0.4"], "mean is [0.5] in the file next to it"),
    "input": ([*AUDIT, "--input", "8x8"], "--input: is '8x8'; write it as 48x48x1"),
    "range": ([*AUDIT, "--range", "0"], "--range: is '0'; write it as 0:1"),
    "mean": ([*AUDIT, "--mean", "a"], "--mean: is 'a'"),
    "resize": ([*ENROLL, "--force", "--resize", "8"], "--resize: is '8'; write it as 48x48"),
    "alpha": ([*AUDIT, "--rule", "rank"], "99 reference models or more"),
    "pickle": (["audit", "v.birthmark", "--suspect", "m.pt", "--out", "out"], "never loaded"),
    "truncated": (["audit", "cut.birthmark", "--suspect", "suspect.onnx", "--out", "out"],
                  "cut.birthmark: is truncated"),
    "no fingerprint": (["inspect", "birthmark.toml"], "birthmark.toml: is not a fingerprint"),
    "out is filled": ([*AUDIT[:-1], "images"], "images: is not empty"),
    "unwritable folder": ([*AUDIT[:-1], "/proc/out"], "/proc/out: cannot be written"),
    "unwritable file": ([*ENROLL[:-1], "/proc/w.birthmark"], "/proc/w.birthmark: cannot be"),
    "unwritable demo": (["demo", "--out", "/proc/demo"], "/proc/demo: cannot be written"),
    "unreadable image": ([*ENROLL[:6], "broken", *ENROLL[7:-1], "w.birthmark"],
                         "bad.png: is not a readable image"),
    "mixed sizes": ([*ENROLL[:6], "mixed", *ENROLL[7:-1], "w.birthmark"], "pass --resize"),
    "companion": ([*ENROLL, "--force", "--method", "sac-w", "--outsider", "references"],
                  "lda/02.onnx: is the same file as the reference lda/02.onnx"),
    "too many probes": ([*ENROLL, "--force", "-n", "401"], "pass -n 400"),
    "seed": (["demo", "--seed", "-1"], "demo: Invalid value for '--seed'"),
}  # fmt: skip


@pytest.fixture(scope="module")
def prepared(built: world.World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with good and bad files, not to be written into by a failing command."""
    import shutil

    folder = tmp_path_factory.mktemp("bad") / "world"
    shutil.copytree(built.folder, folder)
    run(*ENROLL, cwd=folder)
    (folder / "empty").mkdir()
    (folder / "bare/a/b/c").mkdir(parents=True)
    shutil.copy(folder / "suspect.onnx", folder / "bare/a/b/c")
    whole = (folder / "v.birthmark").read_bytes()
    (folder / "cut.birthmark").write_bytes(whole[: len(whole) // 2])
    for name in ("broken", "mixed"):
        shutil.copytree(folder / "images", folder / name)
    (folder / "broken" / "3" / "bad.png").write_bytes(b"\x89PNG no")
    from PIL import Image as Pillow

    Pillow.new("L", (9, 9)).save(folder / "mixed" / "3" / "large.png")
    return folder


PROGRESS = re.compile(r"[A-Z][^:]* \(\d+\)")
"""A line of what takes over two seconds, on a machine that is that slow."""


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_and_leaves_nothing(case: str, prepared: Path) -> None:
    arguments, said = BAD[case]
    before = sorted(prepared.rglob("*"))
    done = commands.run(*arguments, code=2, cwd=prepared)
    assert said in done.stderr
    told = [line for line in done.stderr.splitlines() if not PROGRESS.fullmatch(line)]
    assert len(told) == 1
    assert told[0].startswith("birthmark: ")
    assert [
        file for file in sorted(prepared.rglob("*")) if "__pycache__" not in file.parts
    ] == before


def test_errors_are_json_where_json_was_asked_for(prepared: Path) -> None:
    done = run(*AUDIT, "--rule", "rank", "--json", code=2, cwd=prepared)
    error = json.loads(done.stdout)["error"]
    assert error.keys() == {"subject", "problem", "fix"}
    assert error["subject"] == "alpha = 0.01"


@pytest.mark.parametrize("arguments", [[*ENROLL[:-1], "full.birthmark"], AUDIT])
def test_a_full_disk_is_one_line_and_leaves_nothing(arguments: list[str], prepared: Path) -> None:
    """A file may grow to 4 KiB only."""
    limited = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096));"
        "from birthmark.cli.main import main; main()"
    )
    before = sorted(prepared.rglob("*"))
    environment = os.environ | {"MPLCONFIGDIR": "/nonexistent", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", limited, *arguments],
        capture_output=True, text=True, check=False, cwd=prepared, env=environment,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "cannot be written: File too large" in done.stderr.splitlines()[-1]
    assert "MiB free" in done.stderr
    assert sorted(prepared.rglob("*")) == before


def test_a_fault_of_ours_is_one_line(prepared: Path) -> None:
    broken = "import birthmark.fingerprint as f; f.read_bundle = None;" + (
        "from birthmark.cli.main import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", broken, "seal", "v.birthmark"],
        capture_output=True, text=True, check=False, cwd=prepared,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("birthmark: bug in Birthmark: TypeError")
    assert done.stderr.count("\n") == 1


def test_help_names_every_command_and_version_is_printed() -> None:
    said = run("--help").stdout
    for command in ("demo", "plan", "enroll", "audit", "inspect", "seal", "probes"):
        assert command in said
    assert run("--version").stdout.startswith("birthmark 0.")


def test_help_shows_twelve_commands_and_more_shows_all() -> None:
    shown = commands.run("--help").stdout
    named = re.findall(r"^│ ([a-z]+) ", shown, re.MULTILINE)
    assert len(named) == 12
    rest = set(re.findall(r"^│ ([a-z]+) ", commands.run("--more").stdout, re.MULTILINE)) - {*named}
    assert "weights" in rest
    assert all(re.search(rf"\b{one}\b", shown.partition("More commands")[2]) for one in rest)


def test_an_audit_names_its_folder_and_replaces_only_audits(enrolled: Path) -> None:
    audit = ["audit", "v.birthmark", "--suspect", "suspect.onnx"]
    assert "audit-suspect/report.html" in commands.run(*audit).stdout
    again = commands.run(*audit, code=2).stderr
    assert "audit-suspect: holds an audit already" in again
    assert "--force" in again
    commands.run(*audit, "--force")
    (enrolled / "audit-suspect" / "evidence.json").touch()
    assert "it holds evidence.json" in commands.run(*audit, "--force", code=2).stderr


def test_quiet_says_no_steps_verbose_all_and_the_log_keeps_them(enrolled: Path) -> None:
    audit = ["audit", "v.birthmark", "--suspect", "suspect.onnx", "--force", "--log-file", "log"]
    quiet = commands.run(*audit, "--quiet")
    assert (quiet.stdout[:7], quiet.stderr) == ("DERIVED", "")
    assert "Writing the report: done" in commands.run("--verbose", *audit).stderr
    commands.run("seal", "none.birthmark", "--log-file", "log", code=2)
    kept = (enrolled / "log").read_text()
    for said in ("Z DERIVED", "Writing the report: done", "none.birthmark: does not exist"):
        assert said in kept
