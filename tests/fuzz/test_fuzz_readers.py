"""Readers refuse whatever is put to them in one short line, or read it."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from birthmark import BirthmarkError
from fuzzing.model_targets import WEIGHTS
from fuzzing.mutating import MUTATORS, blindly
from fuzzing.scratch import CORPUS
from fuzzing.seeds import seeds
from fuzzing.targets import LONGEST, TARGETS, corpus, refusal

SIZE = 450_000
SANDBOXED = tuple(f"weights-{name}" for name in WEIGHTS)
"""A process an input."""
QUICK = tuple(name for name in TARGETS if name not in SANDBOXED)


@pytest.mark.parametrize("name", TARGETS)
def test_every_committed_input_is_read_or_refused(name: str) -> None:
    files = corpus(name)
    assert files
    for file in files:
        said = refusal(TARGETS[name].read, file.read_bytes())
        if file.name.startswith("seed-") and name != "api-answer":
            assert said is None, file


@pytest.mark.parametrize("name", QUICK)
@settings(
    max_examples=25,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(0, 2**32 - 1), cuts=st.lists(st.integers(0, 1 << 14), max_size=3))
def test_changed_files_are_read_or_refused(name: str, seed: int, cuts: list[int]) -> None:
    put_changed(name, seed, cuts)


@pytest.mark.parametrize("name", SANDBOXED)
def test_changed_weights_are_read_or_refused(name: str) -> None:
    for seed in range(6):
        put_changed(name, seed, [37 * seed, 1 << seed])


def put_changed(name: str, seed: int, cuts: list[int]) -> None:
    rnd = Random(seed)

    def blind(data: bytes) -> bytes:
        made = bytearray(data)
        for cut in cuts:
            at = cut % (len(made) + 1)
            made[at : at + rnd.randrange(4)] = rnd.randbytes(rnd.randrange(4))
        return bytes(made)

    data = rnd.choice(corpus(name)).read_bytes()
    refusal(TARGETS[name].read, MUTATORS.get(name, blindly)(data, rnd, blind))


@pytest.mark.parametrize("name", QUICK)
@settings(max_examples=10, derandomize=True, deadline=None, database=None)
@given(data=st.binary(max_size=200))
def test_bytes_are_read_or_refused(name: str, data: bytes) -> None:
    refusal(TARGETS[name].read, data)


def test_what_is_no_short_line_is_found() -> None:
    def long(data: bytes) -> None:
        raise BirthmarkError("a" * 9999, data.decode() * 999, "b" * 9999)

    said = refusal(long, b"\x1b\n")
    assert said is not None and len(said) < LONGEST

    def other(data: bytes) -> None:
        raise ValueError(data)

    with pytest.raises(ValueError, match="x"):
        refusal(other, b"x")


def test_the_corpus_is_small_and_of_known_readers() -> None:
    files = [file for file in CORPUS.rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) < SIZE
    assert {file.parent.name for file in files} == set(TARGETS)


def test_seeds_are_written_as_committed() -> None:
    for target, made in seeds().items():
        assert {f"seed-{name}" for name in made} == {
            file.name for file in Path(CORPUS / target).iterdir() if file.name.startswith("seed-")
        }
