"""`birthmark references`."""

from __future__ import annotations

import json
import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from birthmark.cli import options
from birthmark.cli.terminal import note, say
from birthmark.cli.zoo.torch_extra import require_torch
from birthmark.common.errors import BirthmarkError

if TYPE_CHECKING:
    from birthmark.data.images import Progress
    from birthmark.references.record import References
    from birthmark.references.work import Outcome

PROBES = 100
"""How many `enroll` asks for, if not said."""
UNLIKE = (
    "Warning: without --recipe, references of your network are trained with our recipe instead of"
    " yours, and an innocent model trained like yours may look derived. Describe your training"
    " under [own]."
)
HEADS = (
    'Warning: with layers = "last", references that share your start are only new last layers. That'
    " is right if your own model is no more than that. If all of it was fine-tuned, innocent models"
    ' with the same start will look derived: then set layers = "all".'
)


def references(
    images: Annotated[
        Path,
        typer.Option(help="Labelled images for your task that your model was not trained on."),
    ],
    out: Annotated[
        Path, typer.Option(help="The folder to fill; an unfinished one is continued.")
    ] = Path("references"),
    model: Annotated[
        str | None,
        typer.Option(help="Your model, which sets how good references should be, and their input."),
    ] = None,
    owner_images: Annotated[
        Path | None,
        typer.Option(
            help="All images your model was trained on, if others may have used them too."
        ),
    ] = None,
    own: Annotated[
        str | None,
        typer.Option(
            metavar="NET", help="Your network: module:factory, timm:NAME or a built-in one."
        ),
    ] = None,
    init: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="The .safetensors it started from, or `published` for timm's weights.",
        ),
    ] = None,
    start: Annotated[
        str | None, typer.Option(metavar="NAME", help="The name of that checkpoint.")
    ] = None,
    recipe: Annotated[
        Path | None,
        typer.Option(help="TOML with \\[own] and \\[others]: epochs, rate and so on."),
    ] = None,
    count: Annotated[int, typer.Option(help="How many references.")] = 16,
    task: Annotated[
        str, typer.Option(help="classes, or verification for embeddings such as faces.")
    ] = "classes",
    size: Annotated[
        int | None,
        typer.Option(
            min=16, max=1024, help="Side of the images in pixels (default: your model's)."
        ),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="References to train at the same time.")] = 2,
    engine: Annotated[
        str, typer.Option(help="joblib, or ray for several machines that share the folder.")
    ] = "joblib",
    device: Annotated[str, typer.Option(help="cpu, or cuda for a GPU.")] = "cpu",
    seed: Annotated[
        int, typer.Option(min=0, help="Seed for splitting the images and drawing the models.")
    ] = 0,
    input_: options.Input = None,
    range_: options.Range = None,
    mean: options.Mean = None,
    std: options.Std = None,
    output: options.Output = None,
    layout: options.Layout = None,
    order: options.Order = None,
    json_: options.Json = False,
) -> None:
    """Train independent models for your task, for audits to compare with.

    A quarter of the images stays unseen, in OUT/probes: pass that to `birthmark enroll --images`.
    If it is stopped, the same command continues. Exit code 2 if a reference could not be made; the
    others are made all the same.
    """
    require_torch("birthmark references")
    from birthmark.cli.terminal import progress_bar, resumable
    from birthmark.data.images import ImageSet
    from birthmark.models.adapters.lookup import is_remote, open_suspect
    from birthmark.references.asked import require_sense
    from birthmark.references.build import build
    from birthmark.references.recipe import Recipes
    from birthmark.references.wanted import Wanted

    if task not in ("classes", "verification"):
        raise BirthmarkError("--task", f"is {task!r}", "pass classes or verification")
    declared = options.declared(input_, range_, mean, std, output, layout, order)
    if model is not None and is_remote(model):
        raise BirthmarkError(
            "--model",
            "is behind an API, but must be a file",
            "pass a file, or leave it out and pass --size",
        )
    if init is not None and start is None:
        start = Path(init).stem
    require_sense(own, init, start, count, device)
    recipes = Recipes.read(recipe, started=init is not None)
    if own is not None and recipe is None:
        note(UNLIKE)
    if recipes.own.layers == "last":
        note(HEADS)
    began = time.monotonic()

    def told(outcome: Outcome) -> None:
        if not json_:
            note(*_lines(outcome))

    def opened(path: Path, progress: Progress) -> ImageSet:
        image_set = ImageSet.open(path, progress)
        for line in () if json_ else image_set.notes:
            note(line)
        return image_set

    def asked(progress: Progress) -> Wanted:
        return Wanted(
            images=opened(images, progress),
            owner_images=(None if owner_images is None else opened(owner_images, progress)),
            victim=None if model is None else open_suspect(model, declared),
            own=own,
            init=init,
            start=start,
            recipes=recipes,
            count=count,
            size=size,
            channels=cast("Literal[1, 3] | None", declared.get("channels")),
            verification=task == "verification",
            seed=seed,
            device=device,
        )

    with resumable("what is built", out), progress_bar(json_) as progress:
        made = build(
            asked(progress),
            out,
            workers=workers,
            engine=engine,
            progress=progress,
            told=told,
        )
    minutes = round((time.monotonic() - began) / 60, 2)
    if json_:
        print(json.dumps(made.model_dump(mode="json") | {"out": str(out), "minutes": minutes}))
    else:
        _print(made, out, minutes, model, own, start)
    if made.failures:
        raise typer.Exit(2)


def _lines(outcome: Outcome) -> list[str]:
    made = outcome.reference
    if made is None:
        return [*outcome.notes, f"{outcome.name}: {outcome.failure}"]
    short = f", {made.short_by:.3f} below your model" if made.short_by else ""
    return [*outcome.notes, f"{outcome.name}: {made.accuracy:.3f}{short}, {made.seconds:.0f} s"]


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _print(
    made: References,
    out: Path,
    minutes: float,
    model: str | None,
    own: str | None,
    start: str | None,
) -> None:
    right = "AUC" if made.task == "verification" else "accuracy"
    lineages = {one.lineage for one in made.references}
    say(
        f"{_number(len(made.references), 'reference')} of {_number(len(lineages), 'lineage')} in"
        f" {out}, in {minutes:.1f} minutes."
    )
    if made.references:
        spread = sorted(one.accuracy for one in made.references)
        yours = "" if made.victim is None else f"; your model's is {made.victim:.3f}"
        say(f"Their {right} is {spread[0]:.3f} to {spread[-1]:.3f}{yours}.")
    if short := [one for one in made.references if one.short_by]:
        say(
            f"{len(short)} are below your model, by up to {max(one.short_by for one in short):.3f}."
            " If that is a lot, give them more images, more epochs, or your own recipe (--recipe)."
        )
    for name, why in made.failures.items():
        say(f"Not made: {name}: {why}")
    if made.failures or not made.references:
        return
    ours = next(
        (one.lineage for one in made.references if (one.net, one.start) == (own, start)), ""
    )
    lineage = f" --lineage {shlex.quote(ours)}" if ours else ""
    fewer = f" -n {made.probes}" if made.probes < PROBES else ""
    say(
        "Enroll your model with images that no reference has seen:\n"
        f"  birthmark enroll --model {shlex.quote(model or 'YOUR_MODEL')}{lineage}"
        f" --start {shlex.quote(start or 'random')} --images {shlex.quote(str(out / 'probes'))}"
        f"{fewer} --references {shlex.quote(str(out))}"
    )
