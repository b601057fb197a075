"""What stops an accuser who cheats, on scikit-learn's digits.

python -m benchmarks.false_claims --write benchmarks/false_claims.md
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from benchmarks.claimed_digits import (
    EPS,
    INNOCENTS,
    OTHERS,
    OWNER,
    REFERENCES,
    SHARE,
    STEPS,
    SURROGATES,
    Model,
    N,
    World,
)
from numpy.typing import NDArray

from birthmark.audit.controls import controls
from birthmark.bench.markdown import grid
from birthmark.bundle import Bundle, ProbeRecord
from birthmark.calibration import by_lineage, conformal_p, held_rate, interval
from birthmark.data.images import Image
from birthmark.data.outputs import Kind, Outputs
from birthmark.enrolment.enrolment import enroll
from birthmark.enrolment.exchangeability import left_out
from birthmark.evidence.recheck import LEVEL, chance_of_controls, recheck
from birthmark.probes import Companions, Draw
from birthmark.scores import Score
from birthmark.scores.methods import method

ALPHA = 0.05
SCORES = ("agreement", "sac-cosine-l1", "partial0.03")
SEEDS, CURATED, PASSED_OFF = 200, 100, 8
SURROGATE = "passed off as a surrogate, probes `conferrable48`"


FINDINGS = """\
- Crafted probes alone accuse no more innocents than alpha: references that are asked the same
  questions answer as the innocents do, and p is a rank among them. They take references that do
  not follow.
- With references that the accuser trained for it, most innocents are called derived. `recheck`
  notices the probes in every case, whatever the references. The controls of an audit notice
  nothing: they put references in the victim's place, which are the accuser's too.
- Weak references accuse innocents with probes that were drawn honestly as well. `recheck` alone
  finds nothing to object to. `--control`, with models of the other side, does, in most cases.
- References judged by each other are no defence: an honest fingerprint has lineages that are closer
  too, and bad references can be alike among themselves.
- Seeds by trial, against an innocent that could be asked beforehand, succeed far above alpha, least
  with `partial`, and neither `recheck` nor `--control` can notice. The seal does: one that was
  published before the suspect was cannot have been fitted to it, and of several that were published
  all are seen (m of them: alpha m at most). A seal from after the suspect's release stops nothing.
- Picking images did less here, but is as invisible: the seal binds a set, not how it came about. A
  public set, whole, leaves nothing to pick.
- An innocent that is passed as the victim's surrogate, for probes that are made to suit surrogates,
  is called derived each time, and every check of `recheck` passes. Only the seal's date stops
  it, or asking where the surrogates come from. Probes that ask no surrogates cannot be used so.
- Names of lineages that suit, near-copies as references, and near references that are left out:
  [measured](chosen_names.md) on recorded zoos."""


@dataclass(frozen=True)
class Judged:
    """One suspect by one fingerprint."""

    p: float
    lineages: bool
    controls: bool

    @property
    def close(self) -> bool:
        """Whether its rank accuses it."""
        return self.p <= ALPHA

    @property
    def derived(self) -> bool:
        """Whether it is called derived."""
        return self.close and self.lineages and self.controls


def alike(score: Score, outputs: Outputs) -> Outputs:
    """As the finest kind that the score takes."""
    return outputs.to(next(one for one in Kind if one in score.kinds))


def judged(bundle: Bundle, suspects: Sequence[Outputs], *, rank_only: bool = False) -> list[Judged]:
    """Suspects by a fingerprint, as an audit judges them."""
    score = method(bundle.manifest.method).score
    victim, *others = (alike(score, one) for one in (bundle.victim, *bundle.references))
    named = [one.lineage for one in bundle.manifest.references]
    numbers = score.pools(victim, [*others, *(alike(score, one) for one in suspects)])
    places = range(len(others))
    found = []
    for i, suspect in enumerate(suspects):
        own, *theirs = numbers([len(others) + i, *places])
        p = conformal_p(own, theirs)
        fits = all(one.close_enough for one in by_lineage(own, theirs, named, ALPHA))
        passed = (
            rank_only
            or p > ALPHA
            or controls(score, victim, alike(score, suspect), others, ALPHA).passed
        )
        found.append(Judged(p, fits, passed))
    return found


def made(
    bundle: Bundle,
    name: str,
    probes: list[Image],
    victim: Model,
    references: Sequence[Model],
) -> Bundle:
    """A fingerprint that states what it likes of itself."""
    records = [
        ProbeRecord(file=one.name, digest=one.digest, pixels=one.pixel_digest, label=one.label)
        for one in probes
    ]
    stated = {
        "method": name,
        "probes": records,
        "references": [one.description for one in references],
    }
    return Bundle(
        bundle.manifest.model_copy(update=stated),
        probes,
        victim.answer(probes),
        [one.answer(probes) for one in references],
    )


@dataclass
class Counted:
    """What came of one way to claim, by one score."""

    suspects: int = 0
    close: int = 0
    derived: int = 0
    stopped: int = 0
    fingerprints: int = 0
    recheck: int = 0
    control: int = 0
    left_out: int = 0

    def add(self, judged: Sequence[Judged]) -> None:
        """Count innocents."""
        self.suspects += len(judged)
        self.close += sum(one.close for one in judged)
        self.derived += sum(one.derived for one in judged)
        self.stopped += sum(one.close and not one.controls for one in judged)

    def notice(self, bundle: Bundle, strangers: Sequence[Judged], *, deviates: bool) -> None:
        """Count which defences notice a fingerprint."""
        self.fingerprints += 1
        self.recheck += deviates
        below = sum(one.close for one in strangers)
        chance = chance_of_controls(below, len(strangers), len(bundle.references), ALPHA)
        self.control += chance <= LEVEL
        rates = left_out(bundle, ALPHA)
        allowed = round(held_rate(ALPHA, rates.references) * (rates.references + 1))
        self.left_out += rates.accused > allowed or any(one.closer for one in rates.lineages)


Table = dict[tuple[str, str], Counted]


def for_all(world: World, table: Table) -> None:
    """Claims against whoever comes."""
    crafted, truth = world.crafted
    pixels = np.stack([one.pixels[:, :, 0] for one in crafted])
    hardened = world.several("hardened", REFERENCES, more=(pixels, truth))
    honest = enroll(world.victim, world.set, world.references, method_name="sac-jc", n=N)
    claims = {
        "honest": (honest.probes, world.references),
        "crafted probes, honest references": (crafted, world.references),
        "crafted probes, references of 60 images": (crafted, world.weak),
        "crafted probes, references trained against them": (crafted, hardened),
        "drawn probes, references of 60 images": (honest.probes, world.weak),
    }
    for claim, (probes, references) in claims.items():
        for name in SCORES:
            bundle = made(honest, f"{name}@jpeg25", probes, world.victim, references)
            counted = table[claim, name]
            counted.add(judged(bundle, [one.answer(probes) for one in world.innocents]))
            strangers = [one.answer(probes) for one in world.controls]
            done = recheck(bundle, world.victim, world.set, references)
            counted.notice(
                bundle, judged(bundle, strangers, rank_only=True), deviates=not done.passed
            )


def picked(outputs: Outputs, places: Sequence[int]) -> Outputs:
    """Answers to some of the images."""
    return Outputs(outputs.values[list(places)], outputs.kind, outputs.classes)


def part(bundle: Bundle, places: Sequence[int], name: str) -> Bundle:
    """A fingerprint with some of the probes."""
    return Bundle(
        bundle.manifest.model_copy(update={"method": name}),
        [bundle.probes[i] for i in places],
        picked(bundle.victim, places),
        [picked(one, places) for one in bundle.references],
    )


def for_one(world: World, table: Table) -> None:
    """Claims against an innocent that the accuser has asked beforehand: seeds and images."""
    digests = [entry.digest for entry in world.set.entries]
    count = len(set(digests))
    whole = enroll(world.victim, world.set, world.references, method_name="sac-jc", n=count)
    answers = [one.answer(whole.probes) for one in (*world.innocents, *world.controls)]
    draw = Draw(world.set.digest, world.victim.description.digest, 0)
    place = {digests[i]: k for k, i in enumerate(draw.positions(digests, count, "digits"))}
    draws = []
    for seed in range(SEEDS):
        chosen = replace(draw, seed=seed).positions(digests, N, "digits")
        draws.append([place[digests[i]] for i in chosen])
    for name in (f"{score}@jpeg25" for score in SCORES):
        score = name.partition("@")[0]
        ranks = []
        for places in draws:
            bundle = part(whole, places, name)
            some = [picked(one, places) for one in answers]
            ranks.append([one.p for one in judged(bundle, some, rank_only=True)])
        p = np.array(ranks)
        first = table["one seed, as published beforehand", score]
        first.suspects += p[:, :INNOCENTS].size
        first.close += int((p[:, :INNOCENTS] <= ALPHA).sum())
        for i in range(INNOCENTS):
            best = draws[int(p[:, i].argmin())]
            add_fitted(
                table[f"the best of {SEEDS} seeds", score],
                part(whole, best, name),
                answers,
                i,
                best,
            )
            fitted = curated(whole, answers[i])
            tickets = sorted(fitted, key=lambda k: draw.ticket(whole.probes[k].digest))[:N]
            add_fitted(
                table[f"{CURATED} images picked for it", score],
                part(whole, tickets, name),
                answers,
                i,
                tickets,
            )


def add_fitted(
    counted: Counted, bundle: Bundle, answers: Sequence[Outputs], i: int, places: Sequence[int]
) -> None:
    """A fingerprint that was fitted to innocent i, from which `recheck` cannot tell it."""
    counted.add(judged(bundle, [picked(answers[i], places)]))
    strangers = [picked(one, places) for one in answers[INNOCENTS:]]
    counted.notice(bundle, judged(bundle, strangers, rank_only=True), deviates=False)


def curated(bundle: Bundle, target: Outputs) -> list[int]:
    """The images on which an innocent is nearer to the victim than the references are."""

    def apart(other: Outputs) -> NDArray[np.float64]:
        mine, theirs = (one.to(Kind.PROBABILITIES).values for one in (bundle.victim, other))
        gap: NDArray[np.float64] = np.abs(mine - theirs).sum(axis=1).astype(np.float64)
        return gap

    nearer = apart(target) - np.mean([apart(reference) for reference in bundle.references], axis=0)
    return [int(i) for i in np.argsort(nearer, kind="stable")[:CURATED]]


def as_surrogate(world: World, table: Table) -> None:
    """Claims against an innocent that was passed as a surrogate, so that probes suit it."""
    for innocent in world.innocents[:PASSED_OFF]:
        helping = Companions([innocent], world.surrogates)
        bundle = enroll(
            world.victim,
            world.set,
            world.references,
            method_name="agreement@conferrable48",
            n=N,
            companions=helping,
        )
        done = recheck(
            bundle, world.victim, world.set, [innocent, *world.surrogates, *world.references]
        )
        counted = table[SURROGATE, "agreement"]
        counted.add(judged(bundle, [innocent.answer(bundle.probes)]))
        strangers = [one.answer(bundle.probes) for one in world.controls]
        counted.notice(bundle, judged(bundle, strangers, rank_only=True), deviates=not done.passed)


def lines(table: Table, worlds: int) -> list[list[str]]:
    """The table's."""
    said = []
    models = defaultdict(lambda: worlds * INNOCENTS) | {SURROGATE: worlds * PASSED_OFF}
    for (claim, score), row in table.items():
        low, high = interval(row.close / row.suspects * models[claim], models[claim])
        noticed = [
            f"{number / row.fingerprints:.0%}" if row.fingerprints else ""
            for number in (row.recheck, row.control, row.left_out)
        ]
        said.append(
            [
                claim,
                f"`{score}`",
                f"{row.close / row.suspects:.2f} ({low:.2f} to {high:.2f})",
                f"{row.stopped / row.close:.0%}" if row.fingerprints and row.close else "",
                f"{row.derived / row.suspects:.2f}" if row.fingerprints else "",
                *noticed,
            ]
        )
    return said


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=3)
    parser.add_argument("--write", type=Path, required=True)
    args = parser.parse_args()
    began = time.process_time()
    table: Table = defaultdict(Counted)
    for seed in range(args.worlds):
        for claims in (for_all, for_one, as_surrogate):
            if claims is for_all:
                world = World(seed)
            claims(world, table)
            print(seed, claims.__name__, f"{time.process_time() - began:.0f} s", flush=True)
    head = ["claim", "score", "p <= alpha", "stopped by controls", "called derived"]
    head += ["recheck notices", "--control notices", "left out notices"]
    text = [
        "# False claims",
        "Written by `python -m benchmarks.false_claims --write benchmarks/false_claims.md` in"
        f" {time.process_time() - began:.0f} s of CPU on {platform.system()}"
        f" {platform.machine()},"
        f" Python {platform.python_version()}, numpy {np.__version__}.",
        f"scikit-learn's digits, 8x8, {args.worlds} worlds (seeds 0 to {args.worlds - 1}), in each"
        f" of which all models are new: a network as victim ({OWNER} images), {REFERENCES}"
        " references,"
        f" {INNOCENTS} innocents and {INNOCENTS} controls ({SHARE} of {OTHERS} other images each),"
        f" half networks, half linear. {N} probes of {len(world.set)} images, alpha {ALPHA:g}."
        " Crafted probes: targeted adversarial examples that transfer, by"
        f" {STEPS} steps of PGD within {EPS} of 255 grey levels on the victim and"
        f" {SURROGATES} surrogates of the accuser's own, as in Liu et al., \"False Claims against"
        ' Model Ownership Resolution", USENIX Security 2024; the fingerprint says `jpeg25`.'
        " *Trained against them*: the references also learnt the crafted probes with their true"
        " classes. *Best of seeds*, *images picked*, *surrogate*: made anew against each innocent"
        f" ({PASSED_OFF} a world as surrogates), which the accuser could ask before enrolment.",
        "*p <= alpha*: share of innocents (interval: Clopper-Pearson, 95%, over innocents)."
        " *Stopped by controls*: of these, those that are close to references or to permuted"
        " answers as well. *Called derived*: also close enough within every lineage, not stopped."
        " *Notices*, share of fingerprints: `birthmark recheck` without controls deviates; its"
        " `--control` check fails on the innocents' like; more references than alpha allows, or a"
        " lineage that is closer, when references are judged by each other at enrolment."
        " For seeds and images, nothing that `recheck` repeats was altered.",
        grid(head, lines(table, args.worlds)),
        FINDINGS,
    ]
    args.write.write_text("\n\n".join(text) + "\n")


if __name__ == "__main__":
    main()
