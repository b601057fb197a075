from __future__ import annotations

import json
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from birthmark.cli.plan import plan
from birthmark.common.errors import BirthmarkError

app = typer.Typer()
app.command()(plan)


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


def as_json(*arguments: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(run(*arguments, "--json"))
    return read


def test_two_sentences_and_a_table_behind_an_option() -> None:
    said = run("--alpha", ".01", "--power", ".7")
    assert said.startswith("Take ")
    assert "your model's own among them" in said
    assert said.count("\n") == 2
    assert "of those that learnt from their labels" in said
    assert said.endswith("So a suspect that is not found is not cleared.\n")
    more = run("--alpha", ".01", "--power", ".7", "--table")
    assert more.startswith(said)
    assert "finetuned-all" in more
    assert "(--rule rank) 1% would take 99 references" in more


def test_what_a_budget_reaches() -> None:
    budget = ["--references", "5", "--lineages", "2", "--probes", "60"]
    said = run(*budget)
    assert said.startswith(
        "With 4 references, 2 of each of 2 lineages, your model's own among them"
    )
    assert "More lineages find more, and then more probes" in said
    made = as_json(*budget)
    assert not made["reached"]
    assert (made["references"], made["lineages"], made["probes"]) == (4, 2, 20)


def test_suspects_and_labels() -> None:
    said = run("--suspects", "4", "--labels-only", "--table")
    assert "0.25% for each of 4 suspects (--alpha 0.0025)" in said
    assert "using labels, at 0.1%" in said
    assert "faces" not in said


def test_bad_values_are_errors_to_users() -> None:
    with pytest.raises(BirthmarkError, match="alpha: is"):
        run("--alpha", "1.5")
