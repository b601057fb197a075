"""The power that `birthmark plan` knows of, from the zoos' detection tables.

python benchmarks/power.py
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from birthmark.bench.summary import of_victim
from birthmark.bench.table import Row, Table
from birthmark.calibration.sample_size import FORMAT, MEASURED_AT
from birthmark.common.files import whole_file

ROOT = Path(__file__).parents[1]
METHOD = "birthmark"
PACKAGED = ROOT / "src" / "birthmark" / "calibration" / "power.json"


def attacks(rows: Iterable[Row]) -> dict[str, dict[str, Any]]:
    """By attack: who, and in order of size the probes, the share detected, the share closest."""
    found: dict[str, dict[str, Any]] = {}
    for row in sorted(rows, key=lambda row: row.n):
        who = {
            "thieves": row.thieves,
            "kept": row.kept,
            "innocents": row.references + row.innocents,
            "rows": [],
        }
        found.setdefault(row.attack, who)["rows"].append(
            [row.n, round(row.kept_detected, 4), round(row.closest, 4)]
        )
    return found


def text(tables: Iterable[Table]) -> str:
    """The file: a line for each attack."""
    zoos = {}
    names = set()
    for table in tables:
        if table.setting.alpha != MEASURED_AT:
            raise SystemExit(f"{table.zoo}: detection is at {table.setting.alpha}")
        rows = [row for row in of_victim(table) if row.method == METHOD]
        names |= {row.name for row in rows}
        zoos[table.zoo] = {
            "answers": table.answers,
            "draws": table.setting.draws,
            "seed": table.setting.seed,
        } | {
            answers: attacks(row for row in rows if row.answers == answers)
            for answers in ("all", "labels")
        }
    (name,) = names
    whole = {"format": FORMAT, "method": name, "alpha": MEASURED_AT, "zoos": zoos}
    return _lines(whole) + "\n"


def _lines(value: Any, indent: str = "") -> str:
    """JSON, attacks on one line each."""
    if not isinstance(value, dict) or "rows" in value or not value:
        return json.dumps(value)
    inner = indent + " "
    fields = (f"{inner}{json.dumps(key)}: {_lines(of, inner)}" for key, of in value.items())
    return "{\n" + ",\n".join(fields) + f"\n{indent}}}"


def tables(folder: Path) -> list[Table]:
    """The committed tables, by name."""
    return [Table.model_validate_json(file.read_text()) for file in sorted(folder.glob("*.json"))]


def main() -> None:
    """Write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=Path, default=ROOT / "benchmarks" / "detection")
    parser.add_argument("--write", type=Path, default=PACKAGED)
    args = parser.parse_args()
    with whole_file(args.write) as file:
        file.write_text(text(tables(args.tables)))


if __name__ == "__main__":
    main()
