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


def test_what_an_audit_takes() -> None:
    said = run("--alpha", ".01", "--power", ".95")
    assert said.startswith("A false-positive rate of 1% takes 99 reference models")
    assert "an alpha below that cannot be reached" in said
    assert "rank 1 of 61 (1.64%), for a new head 1 of 41 (2.44%)" in said
    assert "power is not measured: at 1% expect less" in said
    assert "not reached (best 0." in said
    assert "…" not in said
    made = as_json("--alpha", ".01", "--lineages", "4")
    assert made["needed"] == made["references"]["count"] == 99
    assert made["needed_in_lineages"] == 396
    assert made["measure"] == "closest"
    assert {"finetuned-all", "extracted-labels"} <= {one["attack"] for one in made["powers"]}


def test_what_a_budget_reaches() -> None:
    budget = ["--alpha", ".01", "--references", "50", "--probes", "60", "--lineages", "4"]
    said = run(*budget)
    assert "no alpha below 1.96% can be reached" in said
    assert "in at most 7.69% of cases" in said
    assert "Power 0.95 with 50 probes, the most measured within 60" in said
    assert "At 1.96% expect less for a new head." in said
    made = as_json(*budget)
    assert not made["references"]["reachable"]
    assert made["references"]["smallest_p"] == made["tested"] == pytest.approx(1 / 51)
    assert {one["probes"] for one in made["powers"]} == {50}
    said = run("--references", "60")
    assert "there are 60: 4.92% holds, and any alpha from 1.64% on can be reached" in said
    assert "Measured at 5% by rank among all references" in said


def test_too_few_of_the_own_lineage() -> None:
    said = run("--lineage", "4", "--lineage", "100")
    assert said.startswith(
        "4 references of the victim's own lineage: nothing can be called derived"
    )
    assert said.count("\n") == 1
    assert not as_json("--lineage", "4", "--lineage", "100")["references"]["reachable"]


def test_suspects_and_labels() -> None:
    said = run("--suspects", "3", "--labels-only")
    assert said.startswith("3 suspects at 5% in all: audit each at --alpha 0.0166667.")
    assert "takes 59 reference models" in said
    assert "from labels" in said
    assert "(27.3% among all suspects)" in run("--suspects", "3", "--references", "10")


def test_bad_values_are_errors_to_users() -> None:
    with pytest.raises(BirthmarkError, match="--alpha: is"):
        run("--alpha", "1.5")
