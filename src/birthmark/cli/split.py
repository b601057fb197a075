"""`birthmark split`."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Annotated

import typer

from birthmark.cli import options
from birthmark.cli.terminal import say
from birthmark.common.errors import BirthmarkError


def split(
    images: Annotated[
        Path, typer.Option(help="Labelled images to train on: folder, .parquet or .npz.")
    ],
    out: Annotated[Path, typer.Option(help="A new folder for the plan and the lists.")],
    seed_file: Annotated[
        Path | None,
        typer.Option(help="Your secret seed, made if the file does not exist. Keep it."),
    ] = None,
    trained_on: Annotated[
        Path | None,
        typer.Option(
            help="The images that your model was already trained on, if they were chosen at"
            " random. A weaker claim, since nothing was sealed beforehand."
        ),
    ] = None,
    canaries: Annotated[
        str, typer.Option(help="Share of images whose labels are drawn at random, such as 0.5%.")
    ] = "0",
    json_: options.Json = False,
) -> None:
    """Before training, draw which images your model is trained on.

    OUT gets plan.json, to be kept secret, and train.csv and left-out.csv: position in the set,
    file, and the label to train with. Publish the seal before you train.
    """
    from birthmark.cli.terminal import progress_bar
    from birthmark.common.files import require_new_folder, whole_folder
    from birthmark.data.images import ImageSet
    from birthmark.witnesses.shuffled.plan import Side, draw, existing, seed_of

    require_new_folder(out)
    if (seed_file is None) == (trained_on is None):
        raise BirthmarkError(
            "--seed-file", "is missing, and so is --trained-on", "pass one of them"
        )
    if trained_on is not None and canaries != "0":
        raise BirthmarkError(
            "--canaries", "can only be drawn before training", "pass --seed-file instead"
        )
    share = _share(canaries)
    with progress_bar(json_) as progress:
        image_set = ImageSet.open(images, progress)
        if trained_on is not None:
            plan = existing(image_set, ImageSet.open(trained_on, progress))
        elif seed_file is not None:
            plan = draw(image_set, seed_of(seed_file), share)
    counts = dict.fromkeys(Side, 0)
    with whole_folder(out) as folder:
        (folder / "plan.json").write_bytes(plan.canonical)
        with (
            (folder / "train.csv").open("w", newline="", encoding="utf-8") as train,
            (folder / "left-out.csv").open("w", newline="", encoding="utf-8") as left,
        ):
            lists = {True: csv.writer(train), False: csv.writer(left)}
            for writer in lists.values():
                writer.writerow(["position", "file", "label"])
            for i, (entry, (side, label)) in enumerate(
                zip(image_set.entries, plan.of(image_set), strict=True)
            ):
                counts[side] += 1
                row = [i, entry.name, entry.label if label is None else label]
                lists[side is not Side.OUTSIDE].writerow(row)
    if json_:
        print(json.dumps({"out": str(out), "seal": plan.seal} | counts))
        return
    if trained_on is not None:
        say(
            f"Of {len(image_set)} images {counts[Side.INSIDE]} were trained on and"
            f" {counts[Side.OUTSIDE]} were not. Nobody can check that they were chosen at random."
        )
        say(f"The plan's seal:\n{plan.seal}")
        return
    say(
        f"Of {len(image_set)} images {counts[Side.INSIDE]} are to be trained on"
        f" ({out / 'train.csv'}), {counts[Side.OUTSIDE]} are left out; {counts[Side.CANARY]} are"
        " canaries, to be trained on with labels drawn at random."
    )
    say(f"Publish or time-stamp the plan's seal now, before you train:\n{plan.seal}")


def _share(text: str) -> float:
    try:
        return float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError as error:
        raise BirthmarkError("--canaries", f"is {text!r}", "write it as 0.005 or 0.5%") from error
