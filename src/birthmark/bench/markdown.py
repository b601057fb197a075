"""A benchmark as a page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from birthmark.bench.summary import by_attack, by_size, of_victim, overall, sizes, worst
from birthmark.bench.table import Row, Table
from birthmark.calibration import interval

MAIN, FEW, LABELS = 100, 20, 200


def page(table: Table, command: str) -> str:
    """The tables of one zoo as Markdown, with the command that writes them."""
    alpha = table.setting.alpha
    rows = of_victim(table)
    first = next((row for row in rows if not row.new_head), None)
    if first is None:
        return f"# Detection on `{table.zoo}`\n\nNo method could be measured.\n"
    made = ", ".join(f"{name} {value}" for name, value in table.made.items())
    parts = [
        f"# Detection on `{table.zoo}`",
        f"Written by `{command}` ({made}).",
        f"{first.references} reference models, {first.innocents} other independent models,"
        f" {first.thieves} thieves an attack; seed {table.setting.seed}. *Detected*: p <="
        f" {alpha:g} by rank among the reference models, mean over at most {table.setting.draws}"
        " draws of probes among those recorded (one where all are used). *Mean* and *worst*: over"
        " attacks, of the thieves that are as accurate as the least accurate independent model"
        " (an attack marked + leaves none); an attack that a method does not apply to (-) counts"
        f" as missed. *Accused*: share of the independent models with p <= {alpha:g}. Intervals"
        " are Clopper-Pearson, 95%, over models.",
        f"## Detected at {alpha:.0%}, {MAIN} probes",
        _grid(rows, MAIN, "all", lambda r: f"{r.detected:.2f}", summed=True),
        f"## AUC, {MAIN} probes",
        _grid(rows, MAIN, "all", lambda r: f"{r.auc:.3f}"),
        "## Detected over all attacks, and in the worst, by number of probes",
        _by_size(table),
        f"## Detected at {alpha:.0%}, {FEW} probes",
        _grid(rows, FEW, "all", lambda r: f"{r.detected:.2f}", summed=True),
        f"## Labels only: detected at {alpha:.0%}, {LABELS} probes",
        _grid(rows, LABELS, "labels", lambda r: f"{r.detected:.2f}", summed=True),
        f"## F1, {MAIN} probes",
        "At the threshold that the reference models set, thieves against independent models.",
        _grid(rows, MAIN, "all", lambda r: f"{r.f1:.2f}"),
        f"## Welch's p, {MAIN} probes",
        "One-sided, that thieves are closer than independent models; median over the draws.",
        _grid(rows, MAIN, "all", lambda r: f"{r.welch:.0e}"),
        f"## Closer than every innocent model, {MAIN} probes",
        f"A rate of 1% takes 99 reference models. With the {first.references + first.innocents}"
        f" innocent ones there are, the least is {1 / (first.references + first.innocents + 1):.1%}"
        ": share of thieves that are closer than all of them.",
        _grid(rows, MAIN, "all", lambda r: f"{r.closest:.2f}"),
        f"## Without the suspect's lineage among the references, {MAIN} probes",
        f"Detected at {alpha:.0%}, and in the last column the independent models accused.",
        _grid(
            rows,
            MAIN,
            "all",
            lambda r: f"{r.foreign:.2f}",
            last=("accused", lambda r: f"{r.foreign_accused:.2f}"),
        ),
        f"## Intervals of the first table, {MAIN} probes",
        _grid(
            rows,
            MAIN,
            "all",
            lambda r: f"{r.detected_interval[0]:.2f}-{r.detected_interval[1]:.2f}",
            last=(
                "accused",
                lambda r: f"{r.accused_interval[0]:.2f}-{r.accused_interval[1]:.2f}",
            ),
        ),
    ]
    others = [row for row in table.rows if row not in rows]
    if others:
        parts += [
            f"## Thieves of a watermarked victim: detected at {alpha:.0%}, {MAIN} probes",
            f"`{others[0].victim}` was trained with EWE's watermark, and these thieves took it.",
            _grid(others, MAIN, "all", lambda r: f"{r.detected:.2f}", summed=True),
        ]
    if table.left_out:
        parts += [
            "## Not measured",
            "\n".join(f"- {alias}: {why}" for alias, why in table.left_out.items()),
        ]
    return "\n\n".join(parts) + "\n"


def held(share: float, models: int, digits: int = 2) -> str:
    """A share of so many models, with its 95% Clopper-Pearson interval."""
    low, high = interval(share * models, models)
    return f"{share:.{digits}f} ({low:.2f} to {high:.2f})"


def grid(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A Markdown table, its first column to the left."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, rule, *lines))


def _grid(
    rows: Sequence[Row],
    n: int,
    answers: str,
    cell: Callable[[Row], str],
    *,
    summed: bool = False,
    last: tuple[str, Callable[[Row], str]] | None = None,
) -> str:
    """Methods down, attacks across."""
    attacks = by_attack(row for row in rows if row.answers == answers)
    chosen = [row for row in rows if row.n == n and row.answers == answers]
    if not chosen:
        return "Not measured with so many probes."
    head = ["method", *(f"{a}{'' if row.kept else '+'}" for a, row in attacks.items())]
    if summed:
        head += ["mean", "worst", "accused"]
    elif last is not None:
        head.append(last[0])
    lines = []
    for alias in dict.fromkeys(row.method for row in chosen):
        of = {row.attack: row for row in chosen if row.method == alias}
        line = [alias, *(cell(of[a]) if a in of else "-" for a in attacks)]
        own = next((row for row in of.values() if not row.new_head), None)
        if summed:
            line.append(f"{overall(list(of.values()), attacks):.2f}")
            line.append(f"{worst(list(of.values()), attacks):.2f}")
            line.append("-" if own is None else f"{own.accused:.2f}")
        elif last is not None:
            line.append("-" if own is None else last[1](own))
        lines.append(line)
    return grid(head, lines)


def _by_size(table: Table) -> str:
    found = by_size(table)
    columns = sizes(found)
    return grid(
        ["method", *(f"n = {n}" for n in columns)],
        [
            [
                alias,
                *(f"{of[n].overall:.2f} ({of[n].worst:.2f})" if n in of else "-" for n in columns),
            ]
            for alias, of in found.items()
        ],
    )
