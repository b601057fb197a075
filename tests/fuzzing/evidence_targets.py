"""Readers of evidence, and of what lies beside it, as functions of bytes."""

from __future__ import annotations

from functools import cache

from birthmark import BirthmarkError
from birthmark.audit.answers import read_answers
from birthmark.common.digests import sha256
from birthmark.evidence import verify
from birthmark.evidence.folder import read_result
from birthmark.evidence.package import Evidence, evidence_of, read_evidence
from birthmark.evidence.statement import Statement
from birthmark.evidence.timestamp import imprint
from birthmark.models.remote.ledger import Ledger
from birthmark.references.recipe import Recipes
from birthmark.references.record import References
from birthmark.witnesses.shuffled.plan import read_plan
from fuzzing.scratch import CORPUS, file_of

STAMPED = b"signature"
"""What the time stamp among the seeds is of."""
COMPUTED = ("score", "references", "answers", "victim", "queries", "as_close", "significance")
"""What follows from fingerprint and answers alone."""


def evidence(data: bytes) -> None:
    """Evidence: checked, and computed again.

    What is enclosed decides what passes: a result that passes is that of the seed with the same
    files, whatever its signer wrote into the statement.
    """
    read = read_evidence(file_of("evidence.json", data))
    done = verify(read, "evidence", repeat=True)
    for check in done.checks:
        assert check.sentence
        if check.passed is False and check.name != "replay":
            raise BirthmarkError("evidence", check.name, check.sentence[:300])
    if read.materials is not None and done.passed and done.statement is not None:
        known = _known().get(_files(read))
        if known is not None:
            result, stated = known.predicate.result, done.statement.predicate.result
            assert all(getattr(result, name) == getattr(stated, name) for name in COMPUTED)


def _files(read: Evidence) -> str:
    assert read.materials is not None
    return sha256(read.materials.fingerprint.encode(), b" ", read.materials.answers.encode())


@cache
def _known() -> dict[str, Statement]:
    found = {}
    for file in (CORPUS / "evidence").glob("seed-*"):
        read = evidence_of(file.read_bytes(), file.name)
        statement = verify(read, file.name).statement
        if read.materials is not None and statement is not None:
            found[_files(read)] = statement
    return found


def result(data: bytes) -> None:
    """An audit's result, and what it says."""
    read = read_result(file_of("result.json", data))
    assert read.sentence and read.called and read.by_lineage() is not None


def audit_answers(data: bytes) -> None:
    """What a suspect answered in an audit."""
    read_answers(data, "answers.safetensors")


def split_plan(data: bytes) -> None:
    """The plan of a split, and a draw by it."""
    plan = read_plan(file_of("split/plan.json", data))
    assert plan.seal and plan.drawn("a", 0)


def references_record(data: bytes) -> None:
    """What was built in a folder of references."""
    References.read(file_of("built/references.json", data).parent)


def references_recipe(data: bytes) -> None:
    """How references are to be trained."""
    Recipes.read(file_of("recipe.toml", data), started=True)


def time_stamp(data: bytes) -> None:
    """The answer of a time-stamping service."""
    assert imprint(data, STAMPED, "a")


def ledger(data: bytes) -> None:
    """What an API was asked, as a stranger hands it over."""
    path = file_of("calls.ledger", data)
    with Ledger.open(path) as opened:
        for suspect in opened.suspects():
            assert opened.digest(suspect)
            opened.spent(suspect)
            opened.states(suspect)
