"""`references.json`: what was built, and from what."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from birthmark.common.digests import Digest
from birthmark.common.errors import BirthmarkError
from birthmark.common.files import read_bytes, whole_file
from birthmark.common.jsons import has_few_values
from birthmark.references.recipe import Recipe

NAME = "references.json"
MAX_FILE, MAX_VALUES = 16 << 20, 200_000


class Reference(BaseModel):
    """One reference model.

    Attributes
    ----------
    file
        Below the folder: `resnet/0.onnx`.
    digest
        Of the file.
    lineage
        Its architecture, `@` and its start where that is not random, `-student` where it learnt
        another's answers.
    net, start, teacher
        These parts by themselves.
    recipe, seed
        How it was trained.
    images
        How many images it was trained on.
    accuracy
        On images that it never saw: share of right labels, or for verification the AUC of same
        against different people.
    rounds
        How many times it went through the recipe to become as good as the victim.
    short_by
        By how much it stayed below what was asked for; 0 if it did not.
    seconds
        How long it took.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    digest: Digest
    lineage: str
    net: str
    start: str | None
    teacher: str | None
    recipe: Recipe
    seed: int
    images: int
    accuracy: float
    rounds: int
    short_by: float
    seconds: float


class References(BaseModel):
    """All of a folder.

    Attributes
    ----------
    settings
        Digest of all that was asked for; a folder is gone on with under the same settings only.
    task
        `classes`, or `verification` for embeddings of faces and the like.
    images
        Digest of the image set.
    owner_images
        Digest of the owner's training images, if they were passed.
    seed
        Divides the images and draws the models.
    trained_on, checked_on, probes
        How many images each part holds; each reference learns from its own share of the first,
        but those of the owner's network from all of the owner's images, if there are any.
    share
        That share, 0 to 1.
    victim
        The victim's accuracy on the part that is checked on, if the victim was passed.
    references
        What is built so far.
    failures
        What could not be built, and why.
    """

    model_config = ConfigDict(extra="forbid")

    format: Literal["birthmark-references/1"] = "birthmark-references/1"
    settings: Digest
    task: Literal["classes", "verification"]
    images: Digest
    owner_images: Digest | None
    seed: int
    trained_on: int
    checked_on: int
    probes: int
    share: float
    victim: float | None
    references: list[Reference] = Field(default_factory=list)
    failures: dict[str, str] = Field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> References | None:
        """What a folder holds; None if it has no such file.

        Raises
        ------
        BirthmarkError
            If the file is another's or broken.
        """
        file = folder / NAME
        if not file.exists():
            return None
        foreign = BirthmarkError(
            file, "was not written by `birthmark references`", "name a new folder with --out"
        )
        data = read_bytes(file, MAX_FILE)
        if not has_few_values(data, MAX_VALUES):
            raise foreign
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            raise foreign from error

    def write(self, folder: Path) -> None:
        """Write it.

        Raises
        ------
        BirthmarkError
            If the disk is full or the folder can't be written.
        """
        with whole_file(folder / NAME) as passing:
            passing.write_text(self.model_dump_json(indent=1) + "\n", "utf-8")
