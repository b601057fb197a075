"""The sample report: a thief and the emotion zoo's references, from recorded answers.

python benchmarks/sample_report.py --write docs/sample-report.html --picture docs/sample-report.png

The probes are faces of a public data set, which are not in this repository: every one is replaced
by a drawn tile that says so. Answers, distances, rank and verdict are the recorded ones.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
from importlib.metadata import version
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from birthmark.audit.audit import audit
from birthmark.bench.draws import taken
from birthmark.bench.judge import Judge
from birthmark.bundle import Bundle, Manifest
from birthmark.bundle.archive import outputs_bytes
from birthmark.bundle.manifest import ImageSetRecord, ProbeRecord
from birthmark.common.digests import sha256
from birthmark.common.files import whole_file
from birthmark.data.images import Image, encoded
from birthmark.data.outputs import Outputs
from birthmark.models.adapters import Description
from birthmark.report import render_report
from birthmark.scores.methods import method
from birthmark.zoo.answers import read_answers

CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
SIDE = 160
PROBES = 100
NOTE = (
    "This is a sample. Its models and answers are real: networks that tell seven emotions on the"
    " faces of FER2013, and a thief that learnt from the victim's probabilities. The pictures are"
    " not: the probes are faces of real people from a data set that may not be passed on, so a"
    " drawn tile stands for each. Digests of the probes are those of the tiles, no suspect could be"
    " asked with them, and the fingerprint's seal was never published. It is repeated by"
    " benchmarks/sample_report.py."
)


class Recorded:
    """A model whose answers are recorded."""

    batch = None

    def __init__(self, description: Description, outputs: Outputs) -> None:
        self.description = description
        self.outputs = outputs

    def answer(self, images: object) -> Outputs:  # noqa: ARG002
        """The recorded answers."""
        return self.outputs


def tile(place: int, label: int | None) -> Image:
    """A picture that says that a probe's picture is withheld."""
    hue = 255 * (label or 0) // len(CLASSES)
    paper = Pillow.new("HSV", (SIDE, SIDE), (hue, 60, 235)).convert("RGB")
    draw = ImageDraw.Draw(paper)
    font = ImageFont.load_default(15)
    lines = [f"probe {place + 1}", "" if label is None else CLASSES[label], "picture", "withheld"]
    for i, line in enumerate(lines):
        draw.text((SIDE / 2, 32 + 32 * i), line, fill=(40, 40, 40), font=font, anchor="mm")
    return Image(encoded(paper, "PNG", optimize=True), f"{place:05d}.png", label)


def bundle_of(judge: Judge, places: NDArray[np.int64]) -> Bundle:
    """A fingerprint of recorded answers, with tiles in the probes' place."""
    population = judge.population
    recorded = judge.recorded
    probes = judge.method.probes
    labels = recorded.labels(probes.base.name if hasattr(probes, "base") else probes.name)
    tiles = [tile(i, labels[place]) for i, place in enumerate(places)]
    victim = taken(judge.answers(population.victim), places)
    references = [taken(judge.answers(name), places) for name in population.references]
    manifest = Manifest(
        method=judge.method.name,
        seed=0,
        images=ImageSetRecord(
            digest=recorded.manifest.data["own"],
            count=len(labels),
            resize=None,
        ),
        victim=described(judge, population.victim),
        references=[described(judge, name) for name in population.references],
        probes=[
            ProbeRecord(file=one.name, digest=one.digest, pixels=one.pixel_digest, label=one.label)
            for one in tiles
        ],
        outputs=sha256(outputs_bytes(victim, references)),
        start="random",
        libraries={name: version(name) for name in ("birthmark", "numpy", "pillow")},
    )
    return Bundle(manifest, tiles, victim, references)


def described(judge: Judge, name: str) -> Description:
    """What is known of a recorded model."""
    record = judge.recorded.record(name)
    return Description(name=name, adapter="recorded", output=record.kind, lineage=record.family)


def photographed(page: Path) -> bytes:
    """The top of a page in Chromium, 1280 pixels wide and scaled to 960, as PNG."""
    with tempfile.TemporaryDirectory() as name:
        shot = Path(name) / "shot.png"
        flags = ["headless=new", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run"]
        flags += ["disable-background-networking", "disable-component-update", "disable-sync"]
        flags += ["hide-scrollbars", f"user-data-dir={name}/profile"]
        flags += ["window-size=1280,2040", f"screenshot={shot}"]
        command = ["chromium", *(f"--{flag}" for flag in flags), page.as_uri()]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        with Pillow.open(shot) as picture:
            small = picture.convert("RGB").resize((960, 1530), Pillow.Resampling.LANCZOS)
    few = small.quantize(256, method=Pillow.Quantize.FASTOCTREE, dither=Pillow.Dither.NONE)
    return encoded(few, "PNG", optimize=True)


def main() -> None:
    """Render and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--answers", type=Path, default=Path("benchmarks/answers/emotion.answers"))
    parser.add_argument("--suspect", default="extracted-probabilities/0")
    parser.add_argument("--method", default="partial0.03@jpeg25")
    parser.add_argument("--draw", type=int, default=0, help="Which draw of probes.")
    parser.add_argument("--write", type=Path, required=True)
    parser.add_argument("--picture", type=Path, help="Its top, as Chromium shows it (PNG).")
    args = parser.parse_args()
    from birthmark.bench.table import Setting

    judge = Judge(read_answers(args.answers), method(args.method), args.method)
    places = judge.drawn(PROBES, Setting(sizes=(PROBES,), draws=args.draw + 1))[args.draw]
    bundle = bundle_of(judge, places)
    description = described(judge, args.suspect).model_copy(update={"lineage": None})
    suspect = Recorded(description, taken(judge.answers(args.suspect), places))
    done = audit(bundle, suspect, repeats=0)
    title = f"Sample report: {args.suspect}, emotion"
    text = render_report(bundle, [done], title=title, note=NOTE, classes=CLASSES)
    with whole_file(args.write) as passing:
        passing.write_text(text, "utf-8")
    if args.picture:
        args.picture.write_bytes(photographed(args.write.resolve()))
    print(f"{done.result.verdict}: {done.result.sentence}")


if __name__ == "__main__":
    main()
