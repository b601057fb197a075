"""Verdicts on published networks, with references that fit and with references that don't.

python benchmarks/real_models.py --write benchmarks/real_models.md
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from birthmark import __version__
from birthmark.audit.audit import audit
from birthmark.bench.markdown import grid
from birthmark.bundle import Bundle
from birthmark.data.images import Image, ImageSet
from birthmark.data.outputs import Outputs, joined
from birthmark.enrolment.enrolment import enroll
from birthmark.enrolment.population import population
from birthmark.models.adapters import Description, Suspect
from birthmark.models.adapters.lookup import open_suspect
from birthmark.zoo.answers import read_answers
from birthmark.zoo.plan.sections import Role

DATA = Path(os.environ.get("BIRTHMARK_DATA", "../shared/data")) / "real-cifar"
VICTIM = "victim_resnet20"
COPIES = ("derived_finetuned", "derived_int8dynamic", "derived_pruned30")
OTHERS = ("resnet32", "resnet44", "resnet56")
SIZES = (400, 100)
SEEDS = 5
START = "random"


class Answers:
    """A model whose answers to the images are known."""

    batch = None

    def __init__(self, description: Description, images: ImageSet, outputs: Outputs) -> None:
        self.description = description
        self._outputs = outputs
        self._place = {image.pixel_digest: i for i, image in enumerate(images)}

    def answer(self, images: Sequence[Image]) -> Outputs:
        """Those to some of the images."""
        return self._outputs.at([self._place[image.pixel_digest] for image in images])


def asked(name: str, images: ImageSet, lineage: str | None = None) -> Answers:
    """A published network's answers to all images, asked once."""
    model = open_suspect(str(DATA / f"{name}.onnx"), lineage=lineage)
    said = joined([model.answer(images[i : i + 100]) for i in range(0, len(images), 100)])
    return Answers(model.description, images, said)


def zoo_references(images: ImageSet) -> list[Answers]:
    """The 40 references of the zoo `objects`, small networks that are right on .6."""
    recorded = read_answers(Path("benchmarks/answers/objects.answers"))
    return [
        Answers(
            Description(name=record.name, adapter="zoo", output=record.kind, lineage=record.family),
            images,
            recorded.outputs(record.name, "jpeg25"),
        )
        for record in recorded.records
        if record.role is Role.REFERENCE
    ]


def row(
    what: str, n: int, victim: Suspect, references: Sequence[Suspect], suspects: Sequence[Suspect]
) -> list[str]:
    """Verdicts on some suspects over several draws of the probes."""
    images = IMAGES
    verdicts: dict[str, int] = {}
    without: int = 0
    ps, times, stopped = [], [], 0
    fitted = []
    for seed in range(1 if n == len(images) else SEEDS):
        bundle: Bundle = enroll(
            victim,
            images,
            references,
            method_name="partial0.03@natural",
            n=n,
            seed=seed,
            start=START,
        )
        record = population(bundle)
        assert record is not None and record.fit is not None
        fitted.append(record.fit.high)
        for suspect in suspects:
            result = audit(bundle, suspect, repeats=0).result
            verdicts[result.verdict] = verdicts.get(result.verdict, 0) + 1
            ps.append(result.p_value)
            without += result.p_value <= result.alpha and not result.as_close
            assert result.population is not None
            times.append(result.population.times)
            stopped += not result.population.fits
    return [
        what,
        str(n),
        f"{min(fitted):.2g} to {max(fitted):.2g}",
        f"{min(times):.1f} to {max(times):.1f}",
        f"{stopped} of {len(ps)}",
        f"{min(ps):.2g} to {max(ps):.2g}",
        f"{without} of {len(ps)}",
        ", ".join(f"{count} {name}" for name, count in sorted(verdicts.items())),
    ]


def rows() -> Iterator[list[str]]:
    """All rows of the table."""
    models = {name: asked(name, IMAGES, "resnet") for name in (VICTIM, *COPIES, *OTHERS)}
    unlike = zoo_references(IMAGES)
    copies = [models[name] for name in COPIES]
    others = [models[name] for name in OTHERS]
    for n in SIZES:
        yield row("copies; 40 small networks", n, models[VICTIM], unlike, copies)
        yield row("independent; 40 small networks", n, models[VICTIM], unlike, others)
    for n in SIZES:
        yield row("copies; 3 ResNets", n, models[VICTIM], others, copies)
    for n in SIZES:
        for one in others:
            rest = [other for other in others if other is not one]
            named = one.description.name
            yield row(f"independent {named}; 2 other ResNets", n, models[VICTIM], rest, [one])


HEADINGS = (
    "suspects; references",
    "probes",
    "victim's p of the population check",
    "suspects times as unexplained",
    "suspects stopped by the check",
    "p",
    "closer than all, p <= alpha",
    "verdicts",
)


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", type=Path, required=True)
    out = parser.parse_args().write
    began = time.monotonic()
    table = grid(HEADINGS, list(rows()))
    minutes = (time.monotonic() - began) / 60
    out.write_text(
        "# Verdicts on published networks\n\n"
        "Published CIFAR-10 ResNets (akamaster/pytorch_resnet_cifar10), .92 to .93 right. The"
        " victim is a ResNet-20; three copies were made from it; ResNet-32, -44 and -56 are"
        " independent. References are the 40 small networks of the zoo `objects`, about .6 right,"
        " which nobody should use for this victim, or the other ResNets. Everything is at alpha 1%."
        " `--start random` is stated.\n\n"
        f"{table}\n"
        "*Closer than all, p <= alpha* is what would be called derived without the population check"
        " and the comparison of accuracies. All ResNets are declared to be of one lineage, so"
        " two or three references of it are all there are.\n\n"
        f"`python benchmarks/real_models.py --write {out}`; birthmark {__version__},"
        f" {platform.machine()}, {minutes:.1f} minutes; {SEEDS} draws of 100 of the 400 images, one"
        " of all.\n"
    )


IMAGES = ImageSet.open(DATA / "images.npz")

if __name__ == "__main__":
    main()
