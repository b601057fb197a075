"""Every reader as a function of a file's bytes that refuses by BirthmarkError or reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

from birthmark import BirthmarkError, Fingerprint, ImageSet, Result
from birthmark.audit.rule import Rule
from birthmark.bundle import read_bundle
from birthmark.calibration import enough
from birthmark.data.images import Image, entry_of
from birthmark.data.outputs import Outputs
from birthmark.models.adapters import Description, open_suspect
from birthmark.models.adapters.declaration import Declaration, declared_beside
from birthmark.models.adapters.recorded import RecordedSuspect
from birthmark.models.adapters.template import TemplateService
from birthmark.models.adapters.tf_serving import TfServingService
from birthmark.models.api_format.document import parsed
from birthmark.models.api_format.judging import Judging
from birthmark.models.api_format.reading import Reading
from birthmark.models.remote import Reply
from birthmark.registry.documents import RegistryFile, SketchFile, read_document
from birthmark.registry.sketch import WIDTH
from birthmark.zoo.answers import read_answers
from birthmark.zoo.models.record import read as read_record
from birthmark.zoo.plan import open_plan
from fuzzing import evidence_targets, model_targets
from fuzzing.scratch import CORPUS, file_of

LONGEST = 700
"""A message is shorter than this."""


@dataclass(frozen=True)
class Target:
    """A reader.

    Attributes
    ----------
    read
        Takes a file's bytes; raises BirthmarkError if it refuses them.
    share
        Its share of all inputs, beside those of the others.
    longest
        The longest input, in bytes.
    """

    read: Callable[[bytes], None]
    share: float
    longest: int = 1 << 14


def refusal(read: Callable[[bytes], None], data: bytes) -> str | None:
    """What a reader says against some bytes, None if it takes them.

    Raises
    ------
    AssertionError
        If what it says is not one short line fit to show.
    """
    try:
        read(data)
    except BirthmarkError as error:
        said = str(error)
        if not said.isprintable() or len(said) >= LONGEST:
            raise AssertionError(f"{len(said)} characters: {said!r}") from error
        return said
    return None


def bundle(data: bytes) -> None:
    """A fingerprint, and its probes' pixels."""
    path = file_of("a.birthmark", data)
    read_bundle(path).require_same_pixels(str(path))


class _Replayed:
    """A suspect that answers as the victim did."""

    batch = None

    def __init__(self, outputs: Outputs) -> None:
        self._outputs = outputs
        self.description = Description(name="a", adapter="recorded", output=outputs.kind)

    def answer(self, images: Sequence[Image]) -> Outputs:
        return self._outputs.first(len(images))


def audit(data: bytes) -> None:
    """An audit of the victim itself by a foreign fingerprint."""
    fingerprint = Fingerprint.open(file_of("b.birthmark", data))
    told = enough(
        [one.lineage for one in fingerprint.manifest.references],
        fingerprint.manifest.victim.lineage,
    )
    rule = Rule.UNSEEN if told else Rule.RANK
    result = fingerprint.audit(_Replayed(fingerprint.bundle.victim), alpha=0.4, rule=rule)
    assert result.sentence and result.threshold == result.threshold
    assert Result.model_validate_json(result.model_dump_json()) == result


def image(data: bytes) -> None:
    """An image file: its header, and its pixels."""
    entry_of(data, "a.png", None)
    pixels = Image(data, "a.png").pixels
    assert pixels.ndim == 3 and pixels.shape[2] in (1, 3) and pixels.dtype == "uint8"


def image_set(name: str, data: bytes) -> None:
    """A set of images in one file, and all pixels."""
    opened = ImageSet.open(file_of(name, data))
    assert opened.digest and opened.require_one_size()
    for one in opened:
        assert one.pixels.size


def images_folder(data: bytes) -> None:
    """A folder with one image of a class."""
    file = file_of("folder/a.png", data)
    for one in ImageSet.open(file.parent):
        assert one.pixels.size


def recorded(name: str, data: bytes) -> None:
    """Recorded answers, and those to probes of their names."""
    untold = name.endswith(".csv") and not data.startswith(b"probe,label")
    suspect = open_suspect(str(file_of(name, data)), {"output": "logits"} if untold else None)
    assert isinstance(suspect, RecordedSuspect)
    count = min(suspect.count([]), 1000)
    suspect.answer([Image(b"", f"{i:05d}.jpg") for i in range(count)])


def declaration(data: bytes) -> None:
    """A birthmark.toml beside a model."""
    path = file_of("declared/birthmark.toml", data)
    Declaration.of(path, declared_beside(path.with_name("a.onnx")))


def zoo_plan(data: bytes) -> None:
    """A zoo's plan."""
    open_plan(str(file_of("plan.toml", data)))


def zoo_record(data: bytes) -> None:
    """What is kept of a model of a zoo."""
    read_record(file_of("models/a.json", data).parents[1], "a")


def registry(data: bytes) -> None:
    """A registry's task set, or the sketch of a model in it."""
    file = file_of("registered.json", data)
    if b'"probes"' in data:
        assert read_document(file, RegistryFile).probes
    else:
        assert len(read_document(file, SketchFile).answers) == WIDTH


def zoo_answers(data: bytes) -> None:
    """A zoo's recorded answers, and all of them unpacked."""
    zoo = read_answers(file_of("a.answers", data))
    for record in zoo.records[:20]:
        for asked in zoo.manifest.asked[:20]:
            zoo.outputs(record.name, asked.method)


def api_template(data: bytes) -> None:
    """An API's description."""
    TemplateService(file_of("a.api.toml", data))


LETTERS = ("a", "b", "c")
READINGS: tuple[dict[str, Any], ...] = (
    {"kind": "probabilities", "path": "$.predictions[0].scores"},
    {"kind": "probabilities", "path": "$..scores[*]", "classes": LETTERS, "scale": 100},
    {"kind": "logits", "path": "$"},
    {"kind": "labels", "path": "$.label", "classes": LETTERS},
    {
        "kind": "top-k",
        "labels_path": "$.top[*].label",
        "scores_path": "$.top[?@.score > 0].score",
        "classes": LETTERS,
    },
    {"kind": "top-k", "path": "$.named", "classes": LETTERS, "rest": "nothing"},
    {"kind": "similarity", "path": "$.similarity", "scale": 100},
    {"kind": "match", "path": "$.match", "yes": ["yes", True], "no": ["no", 0]},
)


@cache
def _services() -> list[tuple[Any, Judging | None]]:
    read = [Reading.model_validate(fields) for fields in READINGS]
    served = [
        TfServingService("https://a/v1/models/m", {"output": kind}, None)
        for kind in ("logits", "labels")
    ]
    return [(one, None if one.of_pairs else Judging(one, "a")) for one in read] + [
        (one, Judging(one.reading, "a")) for one in served
    ]


def api_answer(data: bytes) -> None:
    """An API's answer, by every kind of reading; refused if by one."""
    said: BirthmarkError | None = None
    for one, judging in _services():
        try:
            if isinstance(one, Reading):
                taken = one.take(parsed(data, "a"), "a")
            else:
                taken = one.take(Reply(200, data, datetime(2000, 1, 1, tzinfo=UTC)))
            if judging is None:
                one.similarity(taken, "a")
            else:
                judging.outputs([taken, taken], ["b", "c"])
        except BirthmarkError as error:
            said = error
    if said is not None:
        raise said


TARGETS: dict[str, Target] = {
    "bundle": Target(bundle, 12, 1 << 15),
    "audit": Target(audit, 1, 1 << 15),
    "image": Target(image, 25),
    "images-folder": Target(images_folder, 2),
    "images-npz": Target(partial(image_set, "a.npz"), 10),
    "images-parquet": Target(partial(image_set, "a.parquet"), 6),
    "answers-csv": Target(partial(recorded, "a.csv"), 12, 1 << 12),
    "answers-npz": Target(partial(recorded, "b.npz"), 10),
    "answers-safetensors": Target(partial(recorded, "a.safetensors"), 10, 1 << 12),
    "declaration": Target(declaration, 8, 1 << 12),
    "zoo-plan": Target(zoo_plan, 4, 1 << 13),
    "zoo-record": Target(zoo_record, 6, 1 << 12),
    "api-template": Target(api_template, 6, 1 << 12),
    "api-answer": Target(api_answer, 12, 1 << 12),
    "registry": Target(registry, 4),
    "zoo-answers": Target(zoo_answers, 4),
    "evidence": Target(evidence_targets.evidence, 4, 1 << 15),
    "result": Target(evidence_targets.result, 4),
    "audit-answers": Target(evidence_targets.audit_answers, 4, 1 << 12),
    "time-stamp": Target(evidence_targets.time_stamp, 4, 1 << 12),
    "ledger": Target(evidence_targets.ledger, 2, 1 << 16),
    "split-plan": Target(evidence_targets.split_plan, 3, 1 << 12),
    "references-record": Target(evidence_targets.references_record, 3, 1 << 12),
    "references-recipe": Target(evidence_targets.references_recipe, 3, 1 << 12),
    "onnx-names": Target(model_targets.onnx_names, 5, 1 << 13),
    "sandbox-frames": Target(model_targets.frames, 5, 1 << 12),
    "weights-table": Target(model_targets.weights_table, 3, 1 << 12),
    "hugging-face": Target(model_targets.hugging_face, 3, 1 << 12),
    **{
        f"weights-{name}": Target(read, 0.06, 1 << 15)
        for name, read in model_targets.WEIGHTS.items()
    },
}


def corpus(name: str) -> list[Path]:
    """The committed inputs of a target."""
    return sorted(file for file in (CORPUS / name).iterdir() if file.is_file())
