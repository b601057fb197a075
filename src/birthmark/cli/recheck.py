"""`birthmark recheck`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from birthmark.cli import api, options
from birthmark.cli.download import AllowDownload, fetch


def recheck(
    fingerprint: Annotated[Path, typer.Argument(help="A .birthmark file.")],
    model: Annotated[
        str,
        typer.Option(
            help="The victim: a file or folder, module:function, recorded answers or an API."
        ),
    ],
    images: Annotated[Path, typer.Option(help="The images that the probes were made from.")],
    models: Annotated[
        list[str],
        typer.Option(help="References, surrogates and outsiders: files, or folders of them."),
    ] = [],  # noqa: B006
    control: Annotated[
        list[str],
        typer.Option(help="Independent models that the accuser did not choose."),
    ] = [],  # noqa: B006
    alpha: Annotated[
        float, typer.Option(help="The false-positive rate to check with the controls.")
    ] = 0.05,
    no_labels: Annotated[
        bool, typer.Option("--no-labels", help="The fingerprint was made with --no-labels.")
    ] = False,
    input_: options.Input = None,
    range_: options.Range = None,
    mean: options.Mean = None,
    std: options.Std = None,
    output: options.Output = None,
    layout: options.Layout = None,
    order: options.Order = None,
    allow_download: AllowDownload = False,
    ledger: api.Ledger = None,
    allow_env: api.AllowEnv = [],  # noqa: B006
    json_: options.Json = False,
) -> None:
    """Repeat a fingerprint from its sources, if you are accused with it.

    Checks that the probes were drawn as stated, and that victim and references answer as recorded;
    exit code 3 if anything differs. When the seal was published is not checked here.
    """
    from birthmark.cli.terminal import DEVIATES, print_checks, progress_bar
    from birthmark.data.images import ImageSet
    from birthmark.evidence.recheck import recheck as repeated
    from birthmark.fingerprint import Fingerprint
    from birthmark.models.adapters.lookup import open_all, open_suspect
    from birthmark.models.remote import Access

    opened = Fingerprint.open(fingerprint)
    declared = options.declared(input_, range_, mean, std, output, layout, order)
    fetch(allow_download, model, *models, *control)
    access = Access(ledger, environment=tuple(allow_env)) if ledger else None
    with progress_bar(json_) as progress:
        image_set = ImageSet.open(images, progress)
        done = repeated(
            opened.bundle,
            open_suspect(model, declared, access=access),
            image_set.without_labels() if no_labels else image_set,
            open_all(models, declared, access),
            open_all(control, declared, access),
            alpha,
            progress,
        )
    if json_:
        said = {"seal": opened.seal, "passed": done.passed} | done.model_dump(mode="json")
        print(json.dumps(said))
    else:
        print_checks(done.checks, "DEVIATES")
    if not done.passed:
        raise typer.Exit(DEVIATES)
