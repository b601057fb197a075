"""What verdicts become when suspects evade, and which evasions are noticed, zoo by zoo.

python -m benchmarks.evasion --write benchmarks/evasion.md
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from benchmarks.decoding import DECODERS, GROUPS, SEEDS, decoded
from benchmarks.evasive_answers import EVASIONS, Told, answers_again, common
from numpy.typing import NDArray

from birthmark import __version__
from birthmark.audit.comparable import Compared, comparable
from birthmark.audit.evasion import Seen, noticed
from birthmark.audit.evasion.repeats import PNG_LIMIT
from birthmark.audit.repeats import REPEATS
from birthmark.bench.draws import taken
from birthmark.bench.judge import Judge
from birthmark.bench.markdown import grid
from birthmark.bench.table import Setting
from birthmark.bundle import Bundle, Manifest
from birthmark.calibration import by_lineage, conformal_p, interval, possible
from birthmark.data.forms import form_of
from birthmark.data.images import Image
from birthmark.data.outputs import Kind, Outputs
from birthmark.models.adapters import Description
from birthmark.scores.methods import common_kind, method
from birthmark.zoo.answers import read_answers

METHODS = ("birthmark", "sac-jc", "agreement@jpeg25")
ALPHA, CLEARED, N, THIEVES = 0.05, 0.5, 100, 1
FORM = "rounded or cut"


class Call(NamedTuple):
    """What became of a suspect in one draw.

    Attributes
    ----------
    close
        Whether p <= alpha.
    derived, independent
        By rank and lineages, whatever the findings say.
    found
        What was noticed but that less is told: name, accuses, clears, how much.
    """

    close: bool
    derived: bool
    independent: bool
    found: list[tuple[str, bool, bool, float | None]]

    @property
    def still_derived(self) -> bool:
        """If findings are heeded."""
        return self.derived and all(accuses for _, accuses, _, _ in self.found)

    @property
    def still_independent(self) -> bool:
        """If findings are heeded."""
        return self.independent and all(clears for _, _, clears, _ in self.found)

    @property
    def noticed(self) -> bool:
        """Whether anything was."""
        return bool(self.found)


class Case(NamedTuple):
    """A suspect that evades, and what is compared."""

    name: str
    told: Told
    bundle: Bundle
    answers: Outputs


def bundle_of(judge: Judge, places: NDArray[np.int64]) -> Bundle:
    """A fingerprint of the zoo's victim with its references, without files."""
    population = judge.population

    def said(name: str) -> Outputs:
        return taken(judge.answers(name), places)

    def description(name: str) -> Description:
        return Description(
            name=name,
            adapter="recorded",
            output=judge.answers(name).kind,
            lineage=population.lineages[name],
        )

    manifest = Manifest.model_construct(
        method=judge.method.name,
        victim=description(population.victim),
        references=[description(one) for one in population.references],
    )
    probes = [Image(b"", f"{i:05d}.jpg") for i in range(len(places))]
    return Bundle(
        manifest, probes, said(population.victim), [said(one) for one in population.references]
    )


def calls(judge: Judge, cases: Sequence[Case]) -> Iterator[tuple[str, Call]]:
    """Judge suspects of one form, all at once where they answered the same probes."""
    score = judge.method.score

    def kind_of(case: Case) -> Kind:
        return common_kind([case.bundle.victim.kind, case.answers.kind], score)

    def key(case: Case) -> tuple[str, str, tuple[int, ...]]:
        kind = kind_of(case)
        refused = tuple(sorted(case.told.given.refused))
        return kind, str(form_of(case.answers.to(kind))), refused

    for _, some in groupby(sorted(cases, key=key), key=key):
        group = list(some)
        kind = kind_of(group[0])
        form = form_of(group[0].answers.to(kind))
        bundle = group[0].bundle
        victim, *references = (form.of(o.to(kind)) for o in (bundle.victim, *bundle.references))
        suspects = [form.of(case.answers.to(kind)) for case in group]
        numbers = score.pools(victim, [*references, *suspects])
        lineages = [one.lineage for one in bundle.manifest.references]
        for i, (case, suspect) in enumerate(zip(group, suspects, strict=True)):
            own, *others = numbers([len(references) + i, *range(len(references))])
            p = conformal_p(own, others)
            asked = possible(by_lineage(own, others, lineages, ALPHA), None)
            derived = p <= ALPHA and all(one.close_enough for one in asked)
            seen = Seen(
                case.bundle,
                Description(name=case.name, adapter="evasive", output=case.answers.kind),
                case.told.given,
                case.answers,
                Compared(kind, form, victim, suspect, references),
                case.told.again,
            )
            found = [
                (one.check.name, one.finding.accuses, one.finding.clears, one.check.measured)
                for one in noticed(seen)
                if one.finding and one.check.name != FORM
            ]
            yield case.name, Call(p <= ALPHA, derived, p > CLEARED, found)


Table = dict[tuple[str, str, str], dict[str, list[Call]]]
"""By method, evasion and whether they stole: calls by model."""


def add(table: Table, judge: Judge, draws: int) -> None:
    """All suspects of a zoo."""
    population = judge.population
    thieves = [
        name
        for attack in population.attacks
        if not attack.new_head and judge.answers(attack.thieves[0]).kind is not Kind.LABELS
        for name in [n for n, kept in zip(attack.thieves, attack.kept, strict=True) if kept][
            :THIEVES
        ]
    ]
    innocents = population.independents
    zoo = judge.recorded.manifest.plan.name
    for k, places in enumerate(judge.drawn(N, Setting(sizes=(N,), draws=draws))):
        bundle = bundle_of(judge, places)
        for evasion, act in EVASIONS.items():
            cases = []
            for i, name in enumerate([*innocents, *thieves]):
                said = taken(judge.answers(name), places)
                if said.kind is Kind.LOGITS:
                    said = said.to(Kind.PROBABILITIES)
                other = taken(judge.answers(innocents[i % len(innocents) - 1]), places)
                other = other.to(said.kind) if other.kind is not said.kind else other
                rng = np.random.default_rng((k, i))
                told = act(said, other, bundle.victim, rng)
                if told is None:
                    continue
                told = told if told.again else told.repeated(answers_again(told.given))
                if common(judge.method.score, [bundle.victim, told.given.outputs]) is not None:
                    cases.append(Case(name, told, *comparable(bundle, told.given)))
            for name, call in calls(judge, cases):
                who = "thieves" if name in thieves else "innocents"
                table[judge.alias, evasion, who].setdefault(f"{zoo} {name}", []).append(call)


def rate(of: dict[str, list[Call]], field: str, *, interval_too: bool = False) -> str:
    """Share of the models, a mean over draws."""
    if not of:
        return "-"
    shares = [np.mean([getattr(call, field) for call in some]) for some in of.values()]
    share = float(np.mean(shares))
    low, high = interval(share * len(of), len(of))
    return f"{share:.3f} ({low:.2f}-{high:.2f})" if interval_too else f"{share:.2f}"


HEAD = ["suspects", "innocents", "p <= .05", "derived", "after findings", "noticed", "thieves"]
HEAD += ["derived", "after findings", "independent", "after findings", "noticed"]


def rows(table: Table, alias: str) -> Iterator[list[str]]:
    """A row an evasion."""
    for evasion in EVASIONS:
        innocents, thieves = (table.get((alias, evasion, who), {}) for who in WHO)
        if innocents:
            yield [
                evasion,
                str(len(innocents)),
                rate(innocents, "close", interval_too=True),
                rate(innocents, "derived", interval_too=True),
                rate(innocents, "still_derived", interval_too=True),
                rate(innocents, "noticed"),
                str(len(thieves)),
                rate(thieves, "derived"),
                rate(thieves, "still_derived"),
                rate(thieves, "independent"),
                rate(thieves, "still_independent"),
                rate(thieves, "noticed"),
            ]


WHO = ("innocents", "thieves")


ZOOS = ("emotion", "faces", "objects", "objects-large")


def measured(answers: Path, draws: int, raw: Path | None) -> Table:
    """All zoos by all methods."""
    table: Table = defaultdict(dict)
    if raw is not None and raw.exists():
        for alias, evasion, who, of in json.loads(raw.read_text()):
            table[alias, evasion, who] = {name: [Call(*c) for c in of[name]] for name in of}
        return table
    for alias in METHODS:
        for zoo in ZOOS:
            recorded = read_answers(answers / f"{zoo}.answers")
            if alias == "agreement@jpeg25" and recorded.manifest.plan.task != "classes":
                continue
            add(table, Judge(recorded, method(alias), alias), draws)
            print(alias, zoo, flush=True)
    if raw is not None:
        raw.write_text(json.dumps([[*key, of] for key, of in table.items()]))
    return table


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", type=Path, default=Path("benchmarks/answers"))
    parser.add_argument("--draws", type=int, default=1)
    parser.add_argument("--write", type=Path, required=True)
    parser.add_argument("--raw", type=Path, help="Keeps every call; if it exists, it is read.")
    args = parser.parse_args()
    table = measured(args.answers, args.draws, args.raw)
    parts = [
        "# Suspects that evade",
        "Written by `python -m benchmarks.evasion --write benchmarks/evasion.md`"
        f" (birthmark {__version__}, python {platform.python_version()}, numpy {np.__version__},"
        f" {platform.system()} {platform.machine()}); {N} probes, drawn {args.draws} x, seed"
        " 0; some 20 minutes by one process.",
        "The recorded answers of four zoos, evaded after the fact: every suspect's probabilities"
        " (of faces: embeddings) are changed as the first column says, and judged among 40 honest"
        f" reference models of four lineages at alpha = {ALPHA:g}. Innocents: the 20 independent"
        f" models of a zoo, none a reference. Thieves: at most {THIEVES} of each attack that keeps"
        " accuracy and the label set, and tells more than labels. *Derived*: p <= alpha and as"
        " close a rank in every lineage, as an audit takes without its controls. *Independent*: p >"
        f" {CLEARED:g}. *After findings*: what is left of it when findings are heeded."
        " *Noticed*: something other than that less is told. Intervals: Clopper-Pearson, 95%, over"
        " models; models of a zoo share its victim and references, so they are narrower than they"
        " should be.",
    ]
    for alias in METHODS:
        parts += [f"## `{alias}`", grid(HEAD, rows(table, alias))]
    parts += [
        "## A decoder that is a level off",
        "JPEG probes of scikit-learn's digits (quality 25), and the same pixels otherwise decoded:"
        " how far a model's probabilities change, as a share of the spread between probes, root"
        f" mean square over {REPEATS} probes; median and largest over {GROUPS} groups of probes and"
        f" {SEEDS} models a lineage. An audit that sends files notices {PNG_LIMIT:g} or more.",
        grid(["lineage", *DECODERS], decoded()),
    ]
    args.write.write_text("\n\n".join(parts) + "\n")


if __name__ == "__main__":
    main()
