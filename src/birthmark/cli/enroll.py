"""`birthmark enroll`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from birthmark.cli import api, options
from birthmark.cli.download import AllowDownload, fetch
from birthmark.common.errors import BirthmarkError

if TYPE_CHECKING:
    from birthmark.models.adapters import Suspect

GUESSES = (
    "The reference {} does no better than chance on labelled images, so it was left out. If it"
    " should do better, check its declared range, mean, deviation and channel order."
)


def enroll(
    model: Annotated[
        str,
        typer.Option(
            help="Your model: a file or folder, module:function, recorded answers or an API."
        ),
    ],
    images: Annotated[
        Path,
        typer.Option(
            help="Images that no model was trained on: a folder, .parquet (Hugging"
            " Face layout) or .npz."
        ),
    ],
    references: Annotated[
        list[str],
        typer.Option(
            help="Independent models: files, or folders with a sub-folder for each lineage."
        ),
    ] = [],  # noqa: B006
    name: Annotated[
        str | None, typer.Option(help="What reports call your model (default: its file name).")
    ] = None,
    lineage: Annotated[
        str | None,
        typer.Option(help="Your model's lineage: the name of a sub-folder of references."),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            help="What your model's training started from: random, or a checkpoint's name, which"
            " references have after the @. Needed to accuse."
        ),
    ] = None,
    split: Annotated[
        Path | None,
        typer.Option(
            help="The plan that `birthmark split` wrote, if your model was trained by one."
        ),
    ] = None,
    surrogate: Annotated[
        list[str],
        typer.Option(help="Copies of your model that you made, for methods that use them."),
    ] = [],  # noqa: B006
    outsider: Annotated[
        list[str],
        typer.Option(help="Independent models that help to choose probes and are not references."),
    ] = [],  # noqa: B006
    out: Annotated[Path, typer.Option(help="The fingerprint to write.")] = Path("v.birthmark"),
    method: Annotated[
        str,
        typer.Option(help="birthmark (ours), sac-jc or another published method, or SCORE@PROBES."),
    ] = "birthmark",
    n: Annotated[int, typer.Option("-n", help="How many probes.")] = 100,
    seed: Annotated[int, typer.Option(help="Seed for drawing the images.")] = 0,
    seed_from: Annotated[
        str | None,
        typer.Option(
            metavar="WORDS",
            help="Take the seed from public words, such as a randomness beacon's of a given day.",
        ),
    ] = None,
    resize: options.Resize = None,
    no_labels: Annotated[
        bool, typer.Option("--no-labels", help="Do not check answers against the images' labels.")
    ] = False,
    input_: options.Input = None,
    range_: options.Range = None,
    mean: options.Mean = None,
    std: options.Std = None,
    output: options.Output = None,
    layout: options.Layout = None,
    order: options.Order = None,
    ledger: api.Ledger = None,
    max_calls: api.MaxCalls = None,
    price: api.Price = None,
    max_cost: api.MaxCost = None,
    concurrency: api.Concurrency = None,
    rate: api.Rate = None,
    timeout: api.Timeout = None,
    attempts: api.Attempts = None,
    allow_env: api.AllowEnv = [],  # noqa: B006
    header: api.Headers = [],  # noqa: B006
    ca_file: api.CaFile = None,
    device: Annotated[
        str,
        typer.Option(help="cuda: run ONNX files that you trust on a GPU, without limits."),
    ] = "cpu",
    workers: Annotated[int, typer.Option(min=1, help="Model files to ask at a time.")] = 1,
    engine: Annotated[
        str, typer.Option(help="joblib, or ray for several machines that share the files.")
    ] = "joblib",
    force: options.Force = False,
    allow_download: AllowDownload = False,
    json_: options.Json = False,
) -> None:
    """Make a fingerprint of your model.

    Birthmark must know each model's preprocessing and output: pass --input, --range, --mean, --std
    and --output, or write a birthmark.toml (or MODEL.toml) next to it. For models behind an API,
    the limits hold for each one.
    """
    from birthmark.audit.findings import of_copies, of_fingerprint
    from birthmark.cli.inspect import facts
    from birthmark.cli.terminal import print_facts, progress_bar, say
    from birthmark.common.files import require_writable
    from birthmark.data.images import ImageSet
    from birthmark.enrolment.enrolment import left_out
    from birthmark.enrolment.population import counted_once, distinct
    from birthmark.fingerprint import Fingerprint
    from birthmark.models.adapters.lookup import open_all, open_suspect
    from birthmark.witnesses.shuffled.plan import read_plan

    if out.exists() and not force:
        raise BirthmarkError(out, "is there already", "name a new file, or pass --force")
    require_writable(out)
    declared = options.declared(input_, range_, mean, std, output, layout, order)
    fetch(allow_download, model, *references, *surrogate, *outsider)
    stated = api.stated(
        ledger, max_calls, price, max_cost, concurrency, rate, timeout, attempts, allow_env
    )
    everyone = [model, *references, *surrogate, *outsider]
    access = api.access_of(
        everyone, out.with_suffix(".ledger"), stated, api.reached(header, ca_file)
    )
    with progress_bar(json_) as progress:
        victim = open_suspect(model, declared, lineage, access, device)
        independent = open_all(references, declared, access, device=device)
        _require_known(lineage, independent)
        image_set = ImageSet.open(images, progress)
        fingerprint = Fingerprint.enroll(
            victim,
            image_set.without_labels() if no_labels else image_set,
            independent,
            method=method,
            n=n,
            seed=seed,
            seed_from=seed_from,
            resize=options.sides(resize),
            start=start,
            split=None if split is None else read_plan(split).seal,
            name=name,
            surrogates=open_all(surrogate, declared, access, device=device),
            outsiders=open_all(outsider, declared, access, device=device),
            workers=workers,
            engine=engine,
            progress=progress,
        )
        seal = fingerprint.save(out)
    copies = counted_once(fingerprint.bundle)
    ranked = len(fingerprint.bundle.references)
    kept = fingerprint.bundle.keeping(distinct(ranked, copies))
    found = [*of_copies(fingerprint.bundle, copies), *of_fingerprint(kept)]
    warnings = [*image_set.notes, *map(GUESSES.format, left_out(independent, fingerprint.manifest))]
    warnings += [one.text for one in found]
    chosen = fingerprint.manifest.method
    if json_:
        made = {"fingerprint": str(out), "seal": seal, "method": chosen}
        print(json.dumps(made | {"warnings": warnings}))
        return
    print_facts(facts(fingerprint))
    for warning in warnings:
        say(f"\nWarning: {warning}")
    if not all(one.accuses for one in found):
        say(f"\nWrote {out}. It cannot yet support a *derived* verdict. Its seal:\n{seal}")
        return
    say(f"\nWrote {out}. Publish or time-stamp its seal now, before any dispute:\n{seal}")


def _require_known(lineage: str | None, references: Sequence[Suspect]) -> None:
    """Refuse a lineage that the references do not have, which is most often misspelt.

    Raises
    ------
    BirthmarkError
        If lineages are stated and it is none of them.
    """
    known = sorted({one.description.lineage for one in references if one.description.lineage})
    if lineage is not None and known and lineage not in known:
        raise BirthmarkError(
            "--lineage",
            f"is {lineage}, but the references have {', '.join(known)}",
            f"name one of these, or put references into a sub-folder {lineage}",
        )
