"""Every attack beside every method: our three witnesses, the published methods, honest models.

python -m benchmarks.field --data ../shared/data --zoo ZOO ... --write benchmarks/detection/field.md
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from benchmarks.witnesses import Model, models
from joblib import Parallel, delayed

from birthmark import __version__
from birthmark.bench.accused import Setting, verdicts
from birthmark.bench.designs import DESIGNS
from birthmark.bench.markdown import grid, held
from birthmark.bench.methods import COMPARED
from birthmark.bench.population import Population
from birthmark.data.images import silent
from birthmark.data.outputs import Outputs
from birthmark.report.picture_file import save_picture
from birthmark.scores.methods import PLAIN, PUBLISHED, method
from birthmark.witnesses.shuffled.plan import Drawn, Side
from birthmark.witnesses.shuffled.witness import Shuffled, known
from birthmark.witnesses.weights.witness import compare
from birthmark.zoo.answers import Recorded, read_answers
from birthmark.zoo.images.sources import SOURCES
from birthmark.zoo.images.splits import own_task
from birthmark.zoo.models.store import built
from birthmark.zoo.plan import open_zoo

ALPHA, LOOSE = 0.01, 0.05
ASKED = 1000
"""Images of each side of the split that a suspect is asked about."""
ANSWERS, WEIGHTS, SPLIT, ANY = "answers", "weights", "split", "any of the three"
OUR_METHODS = {ANSWERS: PLAIN}
PUBLIC = {name: COMPARED[name] for name in PUBLISHED if name in COMPARED}
HONEST = "innocent: "


@dataclass
class Suspect:
    """What every method says of a model: a p-value a draw, 1 where it is not the closest of all."""

    name: str
    group: str
    accuracy: float
    kept: bool
    p: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))


def suspects_of(recorded: Recorded, population: Population) -> dict[str, Suspect]:
    """Innocents by group and what they learnt from, and thieves by attack."""
    found = {}
    for name in population.independents:
        record = recorded.record(name)
        seen = {"thief": "", "half": ", half of the owner's images", "owner": ""}[record.data.value]
        group = f"{HONEST}{record.group}{seen}"
        found[name] = Suspect(name, group, record.accuracy, kept=True)
    for attack in population.attacks:
        if not attack.new_head:
            for name, kept in zip(attack.thieves, attack.kept, strict=True):
                accuracy = recorded.record(name).accuracy
                found[name] = Suspect(name, attack.name, accuracy, kept)
    return found


def by_answers(recorded: Recorded, found: dict[str, Suspect], alias: str, full: str) -> None:
    """A method's p-values by the rule of `birthmark audit`, without check and controls."""
    chosen = method(full)
    if chosen.probes.name not in [one.method for one in recorded.manifest.asked]:
        return
    own = alias == ANSWERS
    setting = Setting(
        probes=chosen.probes.name,
        score=chosen.score.name,
        designs=DESIGNS[:1],
        controls=own,
        weak=True,
    )
    for one in verdicts(recorded, setting=setting):
        closest = one.rank <= 1 / (one.references + 1)
        stopped = own and (one.strange or one.controlled)
        p = 1.0 if stopped or not closest else one.p_value
        found[one.model].p[alias].append(p)


def by_weights(found: dict[str, Suspect], files: dict[str, Model]) -> None:
    """The weights witness: the suspect's file beside the victim's."""
    victim = files["victim"].tensors
    for name, one in found.items():
        if name in files:
            p = compare(victim, files[name].tensors).p_value
            one.p[WEIGHTS].append(1.0 if p is None else p)


def by_split(zoo: Path, data: Path, recorded: Recorded, found: dict[str, Suspect]) -> None:
    """The split witness: the owner's images beside as many that chance kept from every model.

    A zoo of a small scale leaves out a part of the owner's images, drawn at random.
    """
    import torch

    torch.set_num_threads(1)
    plan = open_zoo(zoo)
    whole = plan.size.model_copy(update={"share": 1.0})
    full = plan.model_copy(update={"scales": {**plan.scales, plan.scale: whole}})
    samples = SOURCES.make(plan.images.source)(data / plan.images.source, silent)
    split = own_task(plan, samples)
    inside = split.parts["owner"]
    outside = np.setdiff1d(own_task(full, samples).parts["owner"], inside)
    rng = np.random.default_rng(0)
    some = [rng.permutation(side)[:ASKED] for side in (inside, outside)]
    places = np.concatenate(some)
    truth = split.labels[places]
    drawn = [
        Drawn(Side.INSIDE if i < len(some[0]) else Side.OUTSIDE, int(label))
        for i, label in enumerate(truth)
    ]
    asked = Shuffled([], drawn, truth, existing=True)
    channels, size = plan.images.channels, (plan.images.size, plan.images.size)
    images = [samples.images[int(place)].array(channels, size, "bilinear") for place in places]
    pixels = np.stack(images).transpose(0, 3, 1, 2)

    def said(name: str) -> Outputs:
        return built(plan, zoo, name).answer(pixels)

    apart = [r.name for r in recorded.records if r.group == "reference" and r.data == "thief"]
    others = [said(name) for name in apart[:2]]
    for name, one in found.items():
        p = known(asked, said(name), split.classes, others).p_value
        one.p[SPLIT].append(1.0 if p is None else p)


def detected(some: Sequence[Suspect], alias: str, alpha: float) -> float | None:
    """Mean share of draws with p <= alpha; None where the method says nothing of any."""
    shares = []
    for one in some:
        if alias == ANY:
            ours = [one.p[each] for each in (ANSWERS, WEIGHTS, SPLIT) if one.p[each]]
            fixed = any(min(each) <= alpha / 3 for each in ours if len(each) == 1)
            drawn = max((float(np.mean(np.array(e) <= alpha / 3)) for e in ours), default=0.0)
            shares.append(1.0 if fixed else drawn)
        elif one.p[alias]:
            shares.append(float(np.mean(np.array(one.p[alias]) <= alpha)))
    return float(np.mean(shares)) if shares else None


def shown(some: Sequence[Suspect], alias: str, alpha: float) -> str:
    """The share and its interval over models."""
    share = detected(some, alias, alpha)
    return "-" if share is None else held(share, len(some))


def median_p(some: Sequence[Suspect], alias: str) -> str:
    """Median p over models and draws."""
    every = [p for one in some for p in one.p[alias]]
    return f"{np.median(every):.1g}" if every else "-"


def measured(zoo: Path, data: Path) -> tuple[str, dict[str, Suspect]]:
    """All suspects of a zoo, judged by everything."""
    recorded = read_answers(Path(__file__).parent / "answers" / f"{zoo.name}.answers")
    found = suspects_of(recorded, Population.of(recorded))
    for alias, full in (OUR_METHODS | PUBLIC).items():
        by_answers(recorded, found, alias, full)
    by_weights(found, models(zoo))
    if recorded.manifest.plan.task == "classes":
        by_split(zoo, data, recorded, found)
    return zoo.name, found


def groups(found: dict[str, Suspect]) -> dict[str, list[Suspect]]:
    """By group: innocents, thieves that keep honest training's accuracy, those that lose it."""
    named: dict[str, list[Suspect]] = defaultdict(list)
    for one in found.values():
        named[one.group + ("" if one.kept else ", accuracy lost")].append(one)
    return dict(sorted(named.items(), key=lambda item: not item[0].startswith(HONEST)))


def columns(found: dict[str, Suspect]) -> list[str]:
    """Methods that say something here, ours first."""
    told = {alias for one in found.values() for alias, ps in one.p.items() if ps}
    return [ANY, *(a for a in (ANSWERS, WEIGHTS, SPLIT, *PUBLIC) if a in told)]


def tables(zoo: str, found: dict[str, Suspect]) -> Iterator[str]:
    """A zoo's part of the page."""
    every, methods = groups(found), columns(found)
    theirs = [one for one in methods if one in PUBLIC]
    ours = [one for one in methods if one not in PUBLIC]
    yield f"## {zoo}"
    for alpha in (ALPHA, LOOSE):
        yield f"Our witnesses: share of models with p <= {alpha:.0%}."
        yield grid(
            ["group", "models", "accuracy", *ours],
            [
                [name, str(len(some)), accuracies(some), *(shown(some, a, alpha) for a in ours)]
                for name, some in every.items()
            ],
        )
    for alpha in (ALPHA, LOOSE):
        yield f"The published methods, by the same rule: share of models with p <= {alpha:.0%}."
        yield grid(
            ["group", *theirs],
            [
                [name, *(plain(detected(some, alias, alpha)) for alias in theirs)]
                for name, some in every.items()
            ],
        )
    yield "Median p."
    yield grid(
        ["group", *methods[1:]],
        [[name, *(median_p(some, a) for a in methods[1:])] for name, some in every.items()],
    )


def plain(share: float | None) -> str:
    """A share, or a dash."""
    return "-" if share is None else f"{share:.2f}"


def accuracies(some: Sequence[Suspect]) -> str:
    """From the least to the most."""
    values = sorted(one.accuracy for one in some)
    return f"{values[0]:.2f} to {values[-1]:.2f}"


def hidden(found: dict[str, Suspect], recorded: Recorded) -> list[list[str]]:
    """What hiding costs the thief, by how hard he pushes."""
    rows = []
    for one in found.values():
        record = recorded.record(one.name)
        if record.recipe == "hidden":
            p = [median_p([one], a) for a in (ANSWERS, WEIGHTS, SPLIT)]
            pushes = f"{record.parameters['weight']:g}"
            rows.append([record.group, pushes, f"{one.accuracy:.3f}", *p])
    return rows


def picture(everything: dict[str, dict[str, Suspect]], out: Path) -> None:
    """Methods down, attacks across."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 4.2 * len(everything)), layout="constrained")
    panels = np.atleast_1d(figure.subplots(len(everything), 1))
    for axes, (zoo, found) in zip(panels, everything.items(), strict=True):
        every, methods = groups(found), columns(found)
        values = [[detected(some, a, ALPHA) for some in every.values()] for a in methods]
        cells = np.array([[np.nan if v is None else v for v in row] for row in values])
        axes.imshow(cells, vmin=0, vmax=1, cmap="Blues", aspect="auto")
        for (i, j), value in np.ndenumerate(cells):
            if not np.isnan(value):
                color = "white" if value > 0.6 else "black"
                axes.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=6, color=color)
        axes.set_xticks(range(len(every)), list(every), rotation=40, ha="right", fontsize=7)
        axes.set_yticks(range(len(methods)), methods, fontsize=8)
        ours = len([one for one in methods if one not in PUBLIC])
        axes.axhline(ours - 0.5, color="black", linewidth=0.8)
        axes.set_title(f"{zoo}: share of models with p <= {ALPHA:.0%}", fontsize=9)
    save_picture(figure, out)


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--zoo", type=Path, action="append", required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--write", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=1)
    args = parser.parse_args()
    began = time.perf_counter()
    found = dict(
        Parallel(n_jobs=args.workers)(delayed(measured)(zoo, args.data) for zoo in args.zoo)
    )
    parts = [
        "# Every attack, every method",
        "`python -m benchmarks.field --data ../shared/data"
        + "".join(f" --zoo {zoo.name}" for zoo in args.zoo)
        + f" --write {args.write}`, Birthmark {__version__}, Python {platform.python_version()},"
        f" {os.cpu_count()} cores, {{minutes}} minutes; one run, all seeds are fixed.",
        "Suspects of the populations whose models are at hand. *Answers*: `"
        f"{PLAIN}`, 100 probes drawn 3 times, 16 fitting references drawn 3 times, with check and"
        " controls. *Weights*: the suspect's file beside the victim's, no references. *Split*:"
        f" {ASKED:,} images that the victim was trained on and {ASKED:,} that chance kept from"
        " every model, beside two outsiders; its p is never below 1e-4; not asked of embeddings."
        " *Any of the three*: one of them at a third of the rate. Published methods are judged by"
        " the same rule with the same references, without check and controls. Intervals are 95%,"
        " Clopper-Pearson, over models."
        " *Accuracy lost*: less accurate than the least accurate honest model.",
        "An innocent that was trained on half of the owner's images knows the split: that shows"
        " whose images it saw, not whose model it is.",
    ]
    for zoo, some in found.items():
        recorded = read_answers(Path(__file__).parent / "answers" / f"{zoo}.answers")
        parts += tables(zoo, some)
        if rows := hidden(some, recorded):
            parts += [
                "A thief who knows our score and trains against it, by the weight of that aim:",
                grid(["group", "weight", "accuracy", "p, answers", "p, weights", "p, split"], rows),
            ]
    minutes = f"{(time.perf_counter() - began) / 60:.0f}"
    args.write.write_text("\n\n".join(parts).replace("{minutes}", minutes) + "\n")
    picture(found, args.write.with_suffix(".png"))


if __name__ == "__main__":
    main()
