"""What is kept of every model of a zoo."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from birthmark.common.errors import BirthmarkError
from birthmark.common.files import whole_file
from birthmark.data.images import read_bytes
from birthmark.data.outputs import MAX_WIDTH, Kind
from birthmark.zoo.plan import Part, Role, Scalar

MAX_FILE = 1 << 20


class Record(BaseModel):
    """A model of a zoo that is built.

    Attributes
    ----------
    name, group, role, recipe, parameters, family, seed, parent, start, data
        As in `birthmark.zoo.models.member.Member`.
    key
        Digest of all that its weights depend on: plan, images, parents.
    victim
        The victim's key when fidelity was measured.
    weights
        Digest of its weights; None where it is another's behind a disguise.
    outputs
        Numbers an answer.
    kind
        What they are.
    task
        `own`, the victim's task, `new`, a transferred model's, or `foreign`, a checkpoint's.
    images
        How many images it was trained on.
    accuracy
        On the test part: share of right labels, or AUC of the test pairs.
    fidelity
        Share of test images with the victim's label, or correlation of the test pairs'
        similarities with the victim's; None where tasks differ.
    seconds
        Time of training and testing.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    group: str
    role: Role
    recipe: str
    parameters: dict[str, Scalar]
    family: str
    seed: int
    parent: str | None
    start: str | None = None
    data: Part
    key: str
    victim: str = ""
    weights: str | None
    outputs: int = Field(ge=1, le=MAX_WIDTH)
    kind: Kind
    task: str
    images: int
    accuracy: float
    fidelity: float | None
    seconds: float


def record_file(folder: Path, name: str) -> Path:
    """Where a model's record is."""
    return folder / "models" / f"{name}.json"


def weights_file(folder: Path, name: str) -> Path:
    """Where a model's weights are."""
    return folder / "models" / f"{name}.safetensors"


def write(folder: Path, record: Record) -> None:
    """Write a record, after the weights; from then on the model counts as built."""
    with whole_file(record_file(folder, record.name)) as file:
        file.write_text(json.dumps(record.model_dump(mode="json"), indent=1) + "\n")


def read(folder: Path, name: str) -> Record | None:
    """Read a record, None if the model is not built.

    Raises
    ------
    BirthmarkError
        If the file is not a record.
    """
    file = record_file(folder, name)
    if not file.exists():
        return None
    if file.stat().st_size > MAX_FILE:
        raise BirthmarkError(file, f"is over {MAX_FILE >> 10} KiB", "remove it")
    try:
        return Record.model_validate_json(read_bytes(file))
    except ValidationError as error:
        raise BirthmarkError(
            file, f"is not a record ({error.error_count()} faults)", "remove it"
        ) from error
