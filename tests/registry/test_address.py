"""A registry at an address is the one in a folder, fetched as far as it is needed."""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

import commands
import world
from birthmark import BirthmarkError, Fingerprint
from birthmark.registry import Near, Registry, mirror, new_registry, open_registry

ADDRESS = "counted://bucket/r"
CALLS = ("ls", "find", "cat_file", "get_file", "put_file", "rm")


class Counted(MemoryFileSystem):  # type: ignore[misc]
    """A memory that counts what it is asked for, and loses the connection after so many calls."""

    protocol = ("counted",)
    store: ClassVar[dict[str, Any]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]
    calls: ClassVar[Counter[str]] = Counter()
    left = 10**9

    @classmethod
    def _strip_protocol(cls, path: str) -> Any:
        return MemoryFileSystem._strip_protocol(path.replace("counted://", "memory://"))


def _counting(name: str) -> Any:
    plain = getattr(MemoryFileSystem, name)

    def counted(self: Counted, *arguments: Any, **options: Any) -> Any:
        Counted.calls[name] += 1
        Counted.left -= 1
        if Counted.left < 0:
            raise ConnectionResetError("gone")
        return plain(self, *arguments, **options)

    return counted


for _name in CALLS:
    setattr(Counted, _name, _counting(_name))


@pytest.fixture(scope="module")
def enrolled(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Any]:
    """Protected models by their fingerprints."""
    folder = tmp_path_factory.mktemp("enrolled")
    found = {}
    for i in range(5):
        model = world.victim() if i == 0 else world.innocent(40 + i, world.lineage_of(i))
        victim = world.as_digits(model, name=f"owned-{i}", lineage=world.lineage_of(i))
        file = folder / f"owned-{i}.birthmark"
        references = world.references(8)
        Fingerprint.enroll(victim, world.image_set(), references, n=20, start="random").save(file)
        found[file] = victim
    return found


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty cache and an empty memory."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    fsspec.register_implementation("counted", Counted, clobber=True)
    Counted.store.clear()
    Counted.pseudo_dirs[:] = [""]
    Counted.left = 10**9
    Counted.calls.clear()
    yield
    Counted.left = 10**9


def filled(where: str | Path, enrolled: dict[Path, Any]) -> Registry:
    new_registry(where, world.image_set(), 40)
    for file, victim in enrolled.items():
        open_registry(where).add(file, victim)
    return open_registry(where)


def found(registry: Registry) -> list[Near]:
    return registry.nearest(world.as_digits(world.thief()))


@pytest.mark.parametrize("address", [ADDRESS, "file://{folder}/remote"])
def test_it_finds_what_a_folder_does(
    address: str, enrolled: dict[Path, Any], tmp_path: Path
) -> None:
    plain = filled(tmp_path / "plain", enrolled)
    there = filled(address.format(folder=tmp_path), enrolled)
    assert (there.state, there.models, there.problems) == (plain.state, plain.models, {})
    assert found(there) == found(plain)
    assert there.sealed(there.models[0]).seal == plain.sealed(plain.models[0]).seal
    with pytest.raises(BirthmarkError, match="is already in the registry"):
        there.add(*next(iter(enrolled.items())))
    with pytest.raises(BirthmarkError, match="is not empty: it holds"):
        new_registry(address.format(folder=tmp_path), world.image_set(), 40)


def test_what_is_known_is_not_fetched_again(
    enrolled: dict[Path, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(mirror, "FEW", 2)
    there = filled(ADDRESS, enrolled)
    first = found(there)
    Counted.calls.clear()
    assert found(open_registry(ADDRESS)) == first
    assert Counted.calls == {"cat_file": 1, "ls": 1}
    packed = len(list(there.folder.glob("index-*/*.npy")))
    shutil.rmtree(tmp_path / "cache")
    Counted.calls.clear()
    assert found(open_registry(ADDRESS)) == first
    assert Counted.calls == {"cat_file": 1 + 40, "ls": 4, "get_file": packed}, "by the index alone"
    fsspec.filesystem("counted").rm(f"/bucket/r/models/{there.models[0]}", recursive=True)
    assert open_registry(ADDRESS).models == there.models[1:]


def test_half_written_and_hostile_things_are_in_nobodys_way(
    enrolled: dict[Path, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    names = filled(ADDRESS, enrolled).models
    shutil.rmtree(tmp_path / "cache")
    files = fsspec.filesystem("counted")
    models = "/bucket/r/models"
    kept = files.cat_file(f"{models}/{names[0]}/sketch.json")
    files.rm(f"{models}/{names[1]}/fingerprint.birthmark")
    files.rm(f"{models}/{names[2]}/sketch.json")
    files.pipe_file(f"{models}/{names[0]}/sketch.json", kept[:100])
    files.pipe_file(f"{models}/{names[3]}/sketch.json", b" " * (1 << 20) + kept)
    for name in ("..", "a\x1b[2J", "-rf", "x" * 300):
        files.pipe_file(f"{models}/{name}/sketch.json", kept)
    again = open_registry(ADDRESS)
    assert again.models == names[4:]
    assert set(names[:4]) < set(again.problems)
    assert len(again.problems) == 4 + 4
    assert list((tmp_path / "cache").rglob("registry.json"))
    inside = {one.name for one in (tmp_path / "cache").rglob("*")}
    assert not inside & {"-rf", "a\x1b[2J", "x" * 300}
    files.pipe_file(f"{models}/{names[0]}/sketch.json", kept)
    assert open_registry(ADDRESS).models == [names[0], names[4]], "a whole one is fetched again"
    monkeypatch.setattr(mirror, "FEW", 2)
    assert open_registry(ADDRESS).models == [names[0], names[4]], "with one listing of all"


def test_a_lost_connection_is_one_line_and_the_next_call_goes_on(
    enrolled: dict[Path, Any], tmp_path: Path
) -> None:
    filled(ADDRESS, enrolled)
    world.export(world.thief(), tmp_path / "suspect.onnx")
    (tmp_path / "birthmark.toml").write_text(world.TOML)
    search = ["registry", "search", ADDRESS, "suspect.onnx"]
    shutil.rmtree(tmp_path / "cache")
    for calls in (0, 1, 20, 43, 10, 16):
        Counted.left = calls
        said = commands.run(*search, code=2, cwd=tmp_path).stderr
        assert said.splitlines()[-1].startswith(
            f"birthmark: {ADDRESS}: cannot be reached (ConnectionResetError: gone)"
        )
    Counted.left = 10**9
    assert "derived" in commands.run(*search, cwd=tmp_path).stdout


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("s3://bucket/r", "has no driver here (Install s3fs"),
        ("nothing://bucket/r", "Protocol not known"),
        ("counted://bucket/other", "is not a registry"),
        ("sftp://me:secret@host/r", "set FSSPEC_SFTP_PASSWORD"),
    ],
)
def test_what_is_no_address_is_one_line(
    address: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    told = commands.run("registry", "list", address, code=2).stderr
    assert said in told
    assert told.count("\n") == 1
    assert "secret" not in told


def test_without_fsspec_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    told = commands.run("registry", "list", ADDRESS, code=2).stderr
    assert "pip install 'birthmark[storage]'" in told
