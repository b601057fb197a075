"""`birthmark inspect`."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from birthmark.cli import options

if TYPE_CHECKING:
    from birthmark.bundle.manifest import PopulationRecord
    from birthmark.fingerprint import Fingerprint


def inspect(
    fingerprint: Annotated[Path, typer.Argument(help="A .birthmark file.")],
    json_: options.Json = False,
) -> None:
    """Show what a fingerprint holds, and check every digest in it."""
    from birthmark.cli.terminal import print_facts
    from birthmark.fingerprint import Fingerprint

    opened = Fingerprint.open(fingerprint)
    if json_:
        manifest = opened.manifest.model_dump(mode="json")
        print(json.dumps({"seal": opened.seal, "manifest": manifest}))
        return
    print_facts(facts(opened))


def facts(fingerprint: Fingerprint) -> dict[str, object]:
    """What a person wants to know of a fingerprint."""
    from birthmark.audit.pairs import PairPlan
    from birthmark.enrolment.exchangeability import left_out
    from birthmark.enrolment.population import population
    from birthmark.scores.methods import method

    manifest = fingerprint.manifest
    rates = left_out(fingerprint.bundle)
    stood = population(fingerprint.bundle)
    lineages = Counter(one.lineage or "lineage not stated" for one in manifest.references)
    count = len(manifest.references)
    helped = manifest.companions
    helping = (
        {}
        if helped is None
        else {
            "companions": f"surrogates {len(helped.surrogates)}, outsiders {len(helped.outsiders)}"
        }
    )
    references = method(manifest.method).score.reference_images
    calls = PairPlan(len(manifest.probes), references).sentence if references else None
    resize = manifest.images.resize
    return {
        "seal": fingerprint.seal,
        "method": manifest.method,
        "victim": f"{manifest.victim.name} ({manifest.victim.adapter}, {manifest.victim.output},"
        f" lineage {manifest.victim.lineage or 'not stated'})",
        "victim digest": manifest.victim.digest or "none (not a file)",
        "probes": f"{len(manifest.probes)} of {manifest.images.count} images, seed {manifest.seed}"
        + (f" from {manifest.seed_from!r}" if manifest.seed_from else "")
        + (f", resized to {resize[0]}x{resize[1]}" if resize else ""),
        "labels": f"{labelled} probes are labelled"
        if (labelled := sum(probe.label is not None for probe in manifest.probes))
        else "none, so declarations can't be checked against them",
        "images digest": manifest.images.digest,
        "references": f"{count}: {', '.join(f'{n} {name}' for name, n in lineages.items())}",
        **helping,
        **({} if calls is None else {"calls": calls}),
        "start": manifest.start or "not stated, so no suspect can be called derived",
        "population": "not checked"
        if stood is None or stood.fit is None
        else f"the victim {stood.fit.sentence}",
        **({} if stood is None or stood.victim is None else {"accuracy": _accuracy(stood)}),
        "references checked": " ".join(rates.sentences),
        "libraries": ", ".join(f"{name} {v}" for name, v in manifest.libraries.items()),
    }


def _accuracy(stood: PopulationRecord) -> str:
    low, high = min(stood.references), max(stood.references)
    return (
        f"victim {stood.victim:.3f}, references {low:.3f} to {high:.3f}, on {stood.images} images"
    )
