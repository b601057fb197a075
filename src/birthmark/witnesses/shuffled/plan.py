"""The plan of a split: drawn by a seed before training, or one that there already was."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from birthmark.common.digests import Digest, canonical_json, sha256
from birthmark.common.errors import BirthmarkError, fault_of
from birthmark.common.files import read_bytes, whole_file
from birthmark.data.images import ImageSet

MAX_PLAN = 1 << 22
LEAST = 100
"""Fewest different images that are split."""
LEAST_SIDE = 20
"""Fewest on either side of a split that there already was."""
FIX = "name the plan.json that `birthmark split` wrote"
Seed = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Bits = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]+$", max_length=1 << 21)]


class Side(StrEnum):
    """Where an image was put."""

    INSIDE = "inside"
    """It is trained on."""
    OUTSIDE = "outside"
    """It is left out."""
    CANARY = "canary"
    """It is trained on, with a label drawn at random."""


class Drawn(NamedTuple):
    """An image's side, and the label that it is trained with; None if it is left out."""

    side: Side
    label: int | None


class Plan(BaseModel):
    """What `plan.json` holds; its digest is published before training, itself kept secret.

    Attributes
    ----------
    images
        Digest of the image set.
    count
        How many different images it holds.
    classes
        How many classes they have.
    canaries
        The share of images that become canaries, 0 to 1.
    seed
        By which all is drawn; None if the split was there already.
    trained
        Of a split that was there already: a bit, the highest first, for each different image in
        the order of digests, set if it was trained on; hexadecimal, filled up by zeros.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["birthmark-split/1"] = "birthmark-split/1"
    images: Digest
    count: int = Field(ge=LEAST)
    classes: int = Field(ge=2, le=1 << 20)
    canaries: float = Field(ge=0, le=1)
    seed: Seed | None = None
    trained: Bits | None = None

    @model_validator(mode="after")
    def _either(self) -> Self:
        if (self.seed is None) == (self.trained is None):
            raise ValueError("it needs either a seed or the list of images that were trained on")
        if self.trained is not None and len(self.trained) != -(-self.count // 4):
            raise ValueError(f"trained does not have a bit for each of {self.count} images")
        if self.trained is not None and self.canaries:
            raise ValueError("only a plan with a seed has canaries")
        return self

    def of(self, images: ImageSet) -> list[Drawn]:
        """Where each image of the set goes."""
        entries = images.entries
        if self.trained is None:
            return [self.drawn(one.digest, one.label or 0) for one in entries]
        bits = f"{int(self.trained, 16):0{4 * len(self.trained)}b}"
        inside = dict(zip(sorted({one.digest for one in entries}), bits, strict=False))
        return [
            Drawn(Side.INSIDE, one.label)
            if inside.get(one.digest) == "1"
            else Drawn(Side.OUTSIDE, None)
            for one in entries
        ]

    def drawn(self, image: str, label: int) -> Drawn:
        """Where an image goes, by its digest and its true class: copies of one go to one side.

        A coin of its own decides for each, so that whether it fell heads says nothing of another.
        A canary's label is drawn from the classes that are not its own. Only of a plan with a seed.
        """
        if self.seed is None:
            raise ValueError("a split that existed already has nothing to draw")
        bits = hmac.digest(bytes.fromhex(self.seed), image.encode(), hashlib.sha256)
        if int.from_bytes(bits[:8], "big") < self.canaries * (1 << 64):
            other = int.from_bytes(bits[8:24], "big") % (self.classes - 1)
            return Drawn(Side.CANARY, other + (other >= label))
        return Drawn(Side.INSIDE, label) if bits[24] & 1 else Drawn(Side.OUTSIDE, None)

    @property
    def seal(self) -> str:
        """Digest of the file, as `sha256sum` prints it."""
        return sha256(self.canonical)

    @property
    def canonical(self) -> bytes:
        """The file's contents."""
        return canonical_json(self.model_dump(mode="json", exclude_none=True))


def draw(images: ImageSet, seed: str, canaries: float = 0.0) -> Plan:
    """Plan a split of a labelled image set.

    Raises
    ------
    BirthmarkError
        If an image lacks a label, they are too few, or the share of canaries is none.
    """
    if not 0 <= canaries <= 1:
        raise BirthmarkError(
            "--canaries", f"is {canaries:g}", "pass a share, such as 0.005 or 0.5%"
        )
    return Plan(**_counted(images), canaries=canaries, seed=seed)


def existing(images: ImageSet, trained: ImageSet) -> Plan:
    """The plan of a split that there already was, if it was drawn at random.

    Parameters
    ----------
    images
        All that was split, labelled.
    trained
        Those of them that the model was trained on.

    Raises
    ------
    BirthmarkError
        If images lack labels or are too few, or those trained on are none or not some of them.
    """
    inside = {one.digest for one in trained.entries}
    everything = sorted({one.digest for one in images.entries})
    if foreign := len(inside.difference(everything)):
        raise BirthmarkError(
            trained.source,
            f"holds {foreign} images that are not in {images.source}",
            "with --images, name the set that holds both those trained on and those left out",
        )
    if min(len(inside), len(everything) - len(inside)) < LEAST_SIDE:
        raise BirthmarkError(
            trained.source,
            f"holds {len(inside)} of {len(everything)} images",
            f"name a part that leaves at least {LEAST_SIDE} on either side",
        )
    bits = "".join("1" if one in inside else "0" for one in everything)
    bits += "0" * (-len(bits) % 4)
    return Plan(**_counted(images), canaries=0.0, trained=f"{int(bits, 2):0{len(bits) // 4}x}")


def _counted(images: ImageSet) -> dict[str, Any]:
    labels = [one.label for one in images.entries]
    if any(label is None or label < 0 for label in labels):
        raise BirthmarkError(images.source, "holds images without a class", "label all of them")
    different = len({one.digest for one in images.entries})
    if different < LEAST:
        raise BirthmarkError(
            images.source, f"holds {different} different images", f"split {LEAST} or more"
        )
    return {
        "images": images.digest,
        "count": different,
        "classes": max(2, 1 + max(label for label in labels if label is not None)),
    }


def seed_of(file: Path) -> str:
    """The seed in a file, which is made, and only for its owner to read, if it is not there.

    Raises
    ------
    BirthmarkError
        If it holds anything else than 64 hexadecimal digits, or can't be written.
    """
    if not file.exists():
        seed = secrets.token_hex(32)
        with whole_file(file) as passing:
            passing.touch(0o600)
            passing.write_text(f"{seed}\n", "utf-8")
        return seed
    text = read_bytes(file, MAX_PLAN).decode("utf-8", "replace").strip()
    if len(text) != 64 or set(text) - set("0123456789abcdef"):
        raise BirthmarkError(
            file, "holds no seed of 64 hexadecimal digits", "name a new file to have one made"
        )
    return text


def read_plan(path: Path) -> Plan:
    """Read `plan.json`, or that of a folder.

    Raises
    ------
    BirthmarkError
        If it is missing, foreign or altered.
    """
    path = path / "plan.json" if path.is_dir() else path
    data = read_bytes(path, MAX_PLAN)
    try:
        json.loads(data)
        plan = Plan.model_validate_json(data)
    except ValidationError as error:
        raise BirthmarkError(path, fault_of(error), FIX) from error
    except (ValueError, RecursionError) as error:
        raise BirthmarkError(path, "is not JSON", FIX) from error
    if plan.canonical != data:
        raise BirthmarkError(path, "is not written the way plans are", FIX)
    return plan


def require_of(plan: Plan, images: ImageSet) -> None:
    """Refuse images that are not those of the plan.

    Raises
    ------
    BirthmarkError
        If they are not, or lack labels.
    """
    if images.digest != plan.images:
        raise BirthmarkError(
            images.source,
            "is not the image set that was split (digest)",
            "name that set, unchanged",
        )
    if any(one.label is None for one in images.entries):
        raise BirthmarkError(images.source, "holds images without a class", "label all of them")
