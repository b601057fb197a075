from __future__ import annotations

import json
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import f1_score, roc_auc_score

from birthmark import BirthmarkError
from birthmark.bench.draws import draws
from birthmark.bench.markdown import page
from birthmark.bench.measures import allowed, auc, f1, welch
from birthmark.bench.population import Population
from birthmark.bench.run import bench
from birthmark.bench.summary import overall, worst
from birthmark.bench.table import Row, Setting, Table
from birthmark.calibration import conformal_p, interval
from birthmark.zoo.answers import read_answers

ROOT = Path(__file__).parents[2]
OBJECTS = ROOT / "benchmarks" / "answers" / "objects.answers"
COMMITTED = sorted((ROOT / "benchmarks" / "detection").glob("*.json"))
METHODS = {"sac": "sac-cosine-l1@jpeg25", "akh": "agreement@errors", "ours": "partial0.03@jpeg25"}


@pytest.fixture(scope="module")
def table() -> Table:
    return bench(OBJECTS, METHODS, Setting(sizes=(20, 100), draws=2))


def of(table: Table, method: str, n: int, answers: str = "all") -> dict[str, Row]:
    return {
        row.attack: row
        for row in table.rows
        if (row.method, row.n, row.answers) == (method, n, answers)
    }


def test_auc_and_f1_are_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    stolen, innocent = rng.normal(-1, 1, 30).round(1), rng.normal(0, 1, 40).round(1)
    truth = [1] * 30 + [0] * 40
    numbers = np.concatenate([stolen, innocent])
    assert auc(stolen.tolist(), innocent.tolist()) == pytest.approx(roc_auc_score(truth, -numbers))
    called = numbers < -0.5
    expected = f1_score(truth, called)
    assert f1(called[:30].sum(), called[30:].sum(), 30) == pytest.approx(expected)
    assert f1(0, 0, 30) == 0


def test_welch_is_one_sided_and_bears_constant_groups() -> None:
    rng = np.random.default_rng(0)
    stolen, innocent = rng.normal(-1, 1, 30).tolist(), rng.normal(0, 1, 40).tolist()
    both = stats.ttest_ind(stolen, innocent, equal_var=False).pvalue
    assert welch(stolen, innocent) == pytest.approx(both / 2)
    assert welch(innocent, stolen) == pytest.approx(1 - both / 2)
    assert welch([0.0, 0.0], [1.0, 1.0]) == 0
    assert welch([1.0, 1.0], [1.0, 1.0]) == 1


@pytest.mark.parametrize(("successes", "trials"), [(0, 8), (5, 8), (8, 8), (7.4, 8)])
def test_intervals_hold_the_rate_and_are_exact(successes: float, trials: int) -> None:
    low, high = interval(successes, trials)
    assert low <= successes / trials <= high
    if successes == int(successes):
        exact = stats.binomtest(int(successes), trials).proportion_ci(method="exact")
        assert (low, high) == pytest.approx((exact.low, exact.high))


@pytest.mark.parametrize("references", [10, 19, 20, 30, 40, 99])
@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.1])
def test_calls_are_those_of_the_p_value(references: int, alpha: float) -> None:
    for closer in range(references + 1):
        p = conformal_p(0.5, [0.0] * closer + [1.0] * (references - closer))
        assert (closer <= allowed(alpha, references)) == (p <= alpha)


def test_draws_are_whole_blocks_without_repeats() -> None:
    some = draws(recorded=41, n=10, block=2, count=3, seed=0)
    assert len(some) == 3
    assert len({tuple(one) for one in some}) == 3
    for one in some:
        assert len(set(one)) == 10
        assert (one[1::2] == one[0::2] + 1).all()
        assert (one[0::2] % 2 == 0).all()
    assert len(draws(40, 40, 2, 5, 0)) == 1
    assert draws(40, 42, 2, 5, 0) == []
    assert [x.tolist() for x in draws(41, 10, 2, 3, 0)] == [x.tolist() for x in some]


def test_nobody_is_reference_and_scored_at_once() -> None:
    population = Population.of(read_answers(OBJECTS))
    groups = [
        population.references,
        population.independents,
        population.new_references,
        population.new_independents,
        population.outsiders,
        *(attack.thieves for attack in population.attacks),
    ]
    names = [name for group in groups for name in group]
    assert len(names) == len(set(names))
    assert (len(population.references), len(population.independents)) == (40, 20)
    parents = [
        {read_answers(OBJECTS).record(name).parent for name in group}
        for group in (population.new_references, population.new_independents)
    ]
    assert not parents[0] & parents[1]
    assert {a.name for a in population.attacks if a.new_head} == {
        "transferred-all",
        "transferred-last",
    }


def test_every_method_finds_what_is_easy(table: Table) -> None:
    for method in METHODS:
        rows = of(table, method, 100)
        assert rows["finetuned-all"].detected == 1
        assert rows["finetuned-all"].auc == 1
        assert rows["finetuned-all"].welch < 1e-3
        assert rows["finetuned-all"].accused < 0.3


def test_what_does_not_apply_is_left_out_and_counts_as_missed(table: Table) -> None:
    rows = of(table, "akh", 100)
    attacks = of(table, "sac", 100)
    assert rows["renamed"].detected == 0
    assert worst(list(rows.values()), attacks) == 0
    without = {name: row for name, row in rows.items() if name != "finetuned-all"}
    assert overall(list(without.values()), attacks) < overall(list(rows.values()), attacks)


def test_a_verdict_asks_for_more_than_a_rank(table: Table) -> None:
    assert all(row.kept_verdict <= row.kept_detected for row in table.rows)
    assert any(row.kept_verdict < row.kept_detected for row in table.rows)
    assert any(row.kept_verdict > 0 for row in table.rows)


def test_labels_only_says_less(table: Table) -> None:
    soft, labels = of(table, "sac", 100), of(table, "sac", 100, "labels")
    assert set(soft) == set(labels)
    assert soft["extracted-probabilities"].auc >= labels["extracted-probabilities"].auc
    assert of(table, "akh", 20) != {}
    assert of(table, "akh", 20)["fine-pruned"].auc == pytest.approx(
        of(table, "akh", 20, "labels")["fine-pruned"].auc
    )


def test_processes_change_no_number(table: Table) -> None:
    again = bench(OBJECTS, {"akh": METHODS["akh"]}, Setting(sizes=(20, 100), draws=2), workers=2)
    assert again.rows == [row for row in table.rows if row.method == "akh"]


def test_pages_have_a_line_for_every_method(table: Table) -> None:
    text = page(table, "birthmark bench ...")
    for method in METHODS:
        assert f"\n| {method} |" in text
    assert "| finetuned-all |" in text
    assert "nan" not in text.replace("nant", "")


@pytest.mark.parametrize("file", COMMITTED, ids=lambda file: file.stem)
def test_committed_tables_are_what_the_answers_give(file: Path) -> None:
    """On another processor, rounding breaks ties among distances of 20 labels otherwise."""
    committed = Table.model_validate_json(file.read_text())
    answers = ROOT / "benchmarks" / "answers" / f"{committed.zoo}.answers"
    assert read_answers(answers).manifest.values == committed.answers
    names = {row.method: row.name for row in committed.rows}
    some = dict(list(names.items())[:2])
    setting = committed.setting.model_copy(update={"sizes": (20,)})
    again = bench(answers, some, setting)
    expected = [row for row in committed.rows if row.n == 20 and row.method in some]
    assert [(r.method, r.attack) for r in again.rows] == [(r.method, r.attack) for r in expected]
    for mine, theirs in zip(again.rows, expected, strict=True):
        slack = 3 if "labels" in (mine.answers, mine.attack.removesuffix("-only")) else 1
        assert mine.auc == pytest.approx(theirs.auc, abs=0.02 * slack)
        assert mine.detected == pytest.approx(theirs.detected, abs=0.06 * slack)
    for answers_are in ("all", "labels"):
        ours, whole = (
            np.array([(row.auc, row.detected) for row in rows if row.answers == answers_are])
            for rows in (again.rows, expected)
        )
        assert ours.sum(axis=0) == pytest.approx(whole.sum(axis=0), abs=0.03 * len(whole))


def test_the_command_writes_tables_rows_and_a_picture(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "birthmark", "bench", str(OBJECTS), "--method", "sac-jc"]
    command += ["-n", "10", "-n", "20", "--draws", "1"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "sac-jc" in shown.stdout
    written = subprocess.run(
        [*command, "--out", str(tmp_path), "--json"], capture_output=True, text=True, check=True
    )
    rows = json.loads(written.stdout)[0]["rows"]
    assert {row["n"] for row in rows} == {10, 20}
    assert json.loads((tmp_path / "objects.json").read_text())["rows"] == rows
    assert (tmp_path / "objects.png").read_bytes().startswith(b"\x89PNG")
    assert "| sac-jc |" in (tmp_path / "objects.md").read_text()


def test_an_unknown_method_or_file_is_named() -> None:
    with pytest.raises(BirthmarkError, match="no-such"):
        bench(OBJECTS, {"x": "no-such@jpeg25"})
    with pytest.raises(BirthmarkError, match="does not exist"):
        bench(ROOT / "no.answers")


def test_the_summary_and_the_page_of_methods_are_of_the_committed_tables() -> None:
    found = runpy.run_path(str(ROOT / "benchmarks" / "summary.py"))
    folder = ROOT / "benchmarks" / "detection"
    tables = found["tables"](folder)
    assert (folder / "README.md").read_text() == found["page"](tables, folder)
    page = (ROOT / "docs" / "method.md").read_text()
    assert page == found["with_table"](page, tables)
