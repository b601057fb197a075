"""What the weights of each model depend on, as a digest."""

from __future__ import annotations

from pathlib import Path

from birthmark.common.digests import canonical_json, sha256
from birthmark.zoo.images.arrays import load
from birthmark.zoo.models.member import Member
from birthmark.zoo.plan import Plan

FORMAT = 1
"""Raised when the code changes what weights come of a plan."""


def keys(plan: Plan, listed: list[Member], folder: Path) -> dict[str, str]:
    """For each member, a digest of all that its weights depend on."""
    data = [load(folder / "data" / name).digest for name in ("own", "new", "foreign")]
    shared = plan.model_dump(
        mode="json",
        include={"task", "embedding", "augment", "core", "images", "schedule"},
    )
    found: dict[str, str] = {}
    for member in listed:
        found[member.name] = sha256(
            canonical_json(
                {
                    "format": FORMAT,
                    "data": data,
                    "plan": shared,
                    "epochs": plan.size.epochs,
                    "family": plan.families[member.family].model_dump(mode="json"),
                    "recipe": member.recipe,
                    "parameters": dict(member.parameters),
                    "seed": member.seed,
                    "part": member.data,
                    "parent": found[member.parent] if member.parent else None,
                    "victim": found["victim"] if member.parent else None,
                    **({"start": found[member.start]} if member.start else {}),
                }
            )
        )
    return found
