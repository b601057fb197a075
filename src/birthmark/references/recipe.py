"""How references are trained, as `--recipe` states it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from birthmark.common.errors import BirthmarkError, fault_of
from birthmark.common.files import read_bytes
from birthmark.common.tomls import toml_of

MAX_FILE = 1 << 16


class Recipe(BaseModel):
    """One training.

    Attributes
    ----------
    epochs
        Passes over the images in one round; there are more rounds if a model is not yet as good
        as the victim.
    rate
        Peak learning rate of a one-cycle schedule.
    batch, decay
        Images a step, weight decay.
    optimiser
        `sgd` (momentum .9) or `adamw`.
    augment
        `shift` (mirrored, shifted), `face` (also turned and lit otherwise) or `none`.
    layers
        `all`, or `last` for a fresh head on the checkpoint's features, which stay as they are.
    smoothing
        Label smoothing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: float = Field(default=10, gt=0, le=10_000, allow_inf_nan=False)
    rate: float = Field(default=0.1, gt=0, le=10, allow_inf_nan=False)
    batch: int = Field(default=64, ge=2, le=1 << 16)
    decay: float = Field(default=5e-4, ge=0, le=1, allow_inf_nan=False)
    optimiser: Literal["sgd", "adamw"] = "sgd"
    augment: Literal["shift", "face", "none"] = "shift"
    layers: Literal["all", "last"] = "all"
    smoothing: float = Field(default=0.0, ge=0, lt=1, allow_inf_nan=False)


class Recipes(BaseModel):
    """How the owner's network is trained, and how all others are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    own: Recipe = Recipe()
    others: Recipe = Recipe()

    @classmethod
    def read(cls, path: Path | None, *, started: bool) -> Recipes:
        """Read the tables `[own]` and `[others]` of a TOML file; what is left out has a default.

        Parameters
        ----------
        path
            The file; None for the defaults.
        started
            Whether the owner's network begins from a checkpoint: it is then trained more gently.

        Raises
        ------
        BirthmarkError
            Naming the file, the field and what is allowed.
        """
        stated: dict[str, Any] = {}
        if path is not None:
            stated = toml_of(read_bytes(path, MAX_FILE), path, MAX_FILE)
        gentle = {"epochs": 5, "rate": 0.01} if started else {}
        try:
            if isinstance(stated.get("own", {}), dict):
                stated = stated | {"own": gentle | stated.get("own", {})}
            read = cls.model_validate(stated)
        except ValidationError as error:
            raise BirthmarkError(
                path or "recipe",
                fault_of(error, cls),
                "docs/how-to/references.md lists all fields",
            ) from error
        if read.others.layers == "last" or (read.own.layers == "last" and not started):
            raise BirthmarkError(
                path or "recipe",
                "layers: is 'last', but the features below it start from random weights",
                "set it under [own] only, and pass your network's checkpoint with --init",
            )
        return read
