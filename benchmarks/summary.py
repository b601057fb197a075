"""The zoos' detection tables in one page, and the main one in docs/method.md.

python benchmarks/summary.py
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from birthmark.bench.markdown import grid
from birthmark.bench.summary import Share, by_attack, of_victim, overall, worst
from birthmark.bench.table import Row, Table

ROOT = Path(__file__).parents[1]
BEGIN, END = "<!-- written by benchmarks/summary.py -->", "<!-- end -->"
ZOOS = ("emotion", "faces", "objects", "objects-large")
EXTRACTED = (
    "extracted-labels",
    "extracted-probabilities",
    "extracted-similarities",
    "extracted-embeddings",
    "extracted-adversarial",
)
OURS = "birthmark"
SHOWN = {
    "birthmark": "**birthmark**",
    "sac-jc": "SAC-JC",
    "sac-m": "SAC-m",
    "sac-source": "SAC-source",
    "sac-w": "SAC-w",
    "akh": "AKH",
    "pointwise cosine": "pointwise cosine",
    "ipguard": "IPGuard",
    "cae": "CAE",
    "modeldiff": "ModelDiff",
    "zest": "Zest",
    "deepjudge-jsd": "DeepJudge JSD",
    "uap": "UAP pairs",
}
PAPER = {
    "finetuned-all": {"ipguard": 1.00, "cae": 1.00, "ewe": 1.00, "sac": 1.00},
    "fine-pruned": {"ipguard": 1.00, "cae": 0.95, "ewe": 0.87, "sac": 1.00},
    "extracted-labels": {"ipguard": 0.81, "cae": 0.83, "ewe": 0.97, "sac": 1.00},
    "extracted-probabilities": {"ipguard": 0.81, "cae": 0.90, "ewe": 0.97, "sac": 1.00},
    "extracted-adversarial": {"ipguard": 0.54, "cae": 0.52, "ewe": 0.91, "sac": 0.92},
    "transferred-all": {"sac": 1.00},
    "transferred-last": {"sac": 1.00},
}
"""AUC on CIFAR-10 in SAC's paper (arXiv 2210.15427): full-size networks, 20 models an attack."""


def tables(folder: Path) -> dict[str, Table]:
    """The committed tables by zoo."""
    found = {
        zoo: Table.model_validate_json((folder / f"{zoo}.json").read_text())
        for zoo in ZOOS
        if (folder / f"{zoo}.json").exists()
    }
    if not found:
        raise SystemExit(f"{folder} holds no tables: run `make tables`")
    return found


def chosen(
    table: Table, n: int, answers: str, only: Callable[[Row], bool]
) -> tuple[list[Row], dict[str, Row]]:
    """Rows of so many probes, and one row an attack."""
    rows = [row for row in of_victim(table) if row.answers == answers and only(row)]
    return [row for row in rows if row.n == n], by_attack(rows)


def measure(
    table: Table,
    alias: str,
    n: int,
    *,
    answers: str = "all",
    only: Callable[[Row], bool] = lambda _: True,
    share: Share = "kept_detected",
) -> str:
    """Mean over attacks (worst) of a method; empty where it was not measured."""
    rows, attacks = chosen(table, n, answers, only)
    of = [row for row in rows if row.method == alias]
    if not of or not attacks:
        return ""
    return f"{overall(of, attacks, share):.2f} ({worst(of, attacks, share):.2f})"


def by_zoo(
    found: dict[str, Table],
    n: int,
    *,
    answers: str = "all",
    only: Callable[[Row], bool] = lambda _: True,
) -> str:
    """Methods down, zoos across."""
    zoos = {
        zoo: table
        for zoo, table in found.items()
        if any(row.answers == answers and only(row) for row in of_victim(table))
    }
    lines = []
    for alias, shown in SHOWN.items():
        cells = [measure(t, alias, n, answers=answers, only=only) for t in zoos.values()]
        if any(cells):
            lines.append([shown, *(cell or "-" for cell in cells)])
        if alias == OURS:
            asked = [
                measure(t, alias, n, answers=answers, only=only, share="kept_verdict")
                for t in zoos.values()
            ]
            lines.append([f"{shown}, verdict", *asked])
    return grid(["method", *zoos], lines)


def accused(found: dict[str, Table], n: int) -> str:
    """Innocents accused: with all lineages among the references, and without their own."""
    lines = []
    for alias, shown in SHOWN.items():
        cells = []
        for table in found.values():
            rows, _ = chosen(table, n, "all", lambda row: not row.new_head)
            row = next((row for row in rows if row.method == alias), None)
            cells.append(f"{row.accused:.2f} / {row.foreign_accused:.2f}" if row else "-")
        if set(cells) != {"-"}:
            lines.append([shown, *cells])
    return grid(["method", *found], lines)


def against_paper(table: Table, n: int) -> str:
    """AUC of ours on this zoo beside the published ones."""
    rows, _ = chosen(table, n, "all", lambda _: True)
    ours = {(row.method, row.attack): row.auc for row in rows}
    others = {
        (row.method, row.attack.removeprefix("entangled-")): row.auc
        for row in table.rows
        if row.victim != "victim" and row.n == n and row.answers == "all"
    }
    same = {"finetuned-all": "finetuned"}
    lines = []
    for attack, published in PAPER.items():
        line = [attack]
        for alias, theirs in (
            ("ipguard", "ipguard"),
            ("cae", "cae"),
            ("ewe", "ewe"),
            ("sac-w", "sac"),
            ("sac-jc", ""),
            ("birthmark", ""),
        ):
            mine = ours.get((alias, attack))
            if alias == "ewe":
                mine = others.get((alias, same.get(attack, attack)))
            text = "-" if mine is None else f"{mine:.2f}"
            if theirs in published:
                text += f" (paper {published[theirs]:.2f})"
            line.append(text)
        lines.append(line)
    return grid(["attack", "IPGuard", "CAE", "EWE", "SAC-w", "SAC-JC", "birthmark"], lines)


def main_table(found: dict[str, Table]) -> str:
    """What docs/method.md shows."""
    return by_zoo(found, 100)


def page(found: dict[str, Table], folder: Path) -> str:
    """The summary of all zoos, beside the pages of a folder."""
    parts = [
        "# Who is detected",
        "![Every attack beside every method on two populations: our three witnesses on top, the"
        " published methods below.](field.png)",
        "*Every attack, every method, at 1%: [the tables](field.md).*",
        "Share of thieves with p <= 5%, by rank among 40 reference models: the mean over all"
        " attacks (the worst attack). Only thieves as accurate as the least accurate independent"
        " model count; an attack that a method does not apply to counts as missed. *Verdict*: as"
        " close within every lineage of references too, as an audit asks. 5 draws of probes where"
        " there are enough, seed 0. Each zoo's page has all attacks, intervals, AUC, F1, p and more"
        " sizes: "
        + ", ".join(f"[{zoo}]({zoo}.md)" for zoo in found)
        + (". [Ablation](ablation.md)." if (folder / "ablation.md").exists() else ".")
        + (" [Time to make probes](making.md)." if (folder / "making.md").exists() else ""),
        "`make tables` recomputes everything from the committed answers; this page is written by"
        " `python benchmarks/summary.py`.",
        "## 100 probes",
        by_zoo(found, 100),
        "## 20 probes",
        by_zoo(found, 20),
        "## Thieves by extraction, 100 probes",
        by_zoo(found, 100, only=lambda row: row.attack in EXTRACTED),
        "## New head, 100 probes",
        "Against 30 innocent models that were transferred to the same new labels.",
        by_zoo(found, 100, only=lambda row: row.new_head),
        "## Labels only, 200 probes",
        by_zoo(found, 200, answers="labels"),
        "## Innocents accused, 100 probes",
        "Share of independent models with p <= 5%: with all lineages among the references, and"
        " after the stroke with none of the model's own lineage.",
        accused(found, 100),
        f"![Detection by number of probes]({next(iter(found))}.png)",
    ]
    if "objects" in found:
        parts += [
            "## AUC beside the published, CIFAR-10, 100 probes",
            "Ours: small networks, 8 thieves an attack, split as the zoo's page says. The paper's"
            " (SAC, arXiv 2210.15427): full-size networks, 20 models a group; its SAC column is"
            " the best of SAC-w and SAC-m. So the numbers are not of one experiment.",
            against_paper(found["objects"], 100),
        ]
    return "\n\n".join(parts) + "\n"


def with_table(text: str, found: dict[str, Table]) -> str:
    """The page with the main table in its place."""
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n\n{main_table(found)}\n\n{END}{rest.split(END)[1]}"


def main() -> None:
    """Write both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=Path, default=ROOT / "benchmarks" / "detection")
    args = parser.parse_args()
    found = tables(args.tables)
    (args.tables / "README.md").write_text(page(found, args.tables))
    methods = ROOT / "docs" / "method.md"
    methods.write_text(with_table(methods.read_text(), found))


if __name__ == "__main__":
    main()
