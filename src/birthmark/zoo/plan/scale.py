"""How much of a plan is built."""

from __future__ import annotations

from pydantic import Field

from birthmark.zoo.plan.sections import Role, Section, Share


class Scale(Section):
    """How much of a plan is built.

    Attributes
    ----------
    share
        Share of the images that are used.
    epochs
        Factor on every number of epochs.
    counts
        Models a group by role, where they differ from the plan's.
    probes
        Share of the recorded probes.
    """

    share: Share = 1.0
    epochs: float = Field(default=1.0, gt=0)
    counts: dict[Role, int] = Field(default_factory=dict)
    probes: Share = 1.0


SCALES = {
    "tiny": Scale(
        share=0.05,
        epochs=0.2,
        counts={
            Role.REFERENCE: 4,
            Role.INDEPENDENT: 2,
            Role.STOLEN: 1,
            Role.COMPANION: 1,
            Role.OTHER: 1,
            Role.START: 2,
        },
        probes=0.05,
    ),
    "cpu": Scale(),
    "paper": Scale(epochs=5.0, counts={Role.REFERENCE: 40, Role.INDEPENDENT: 20, Role.STOLEN: 20}),
}
"""`paper` has the published 20 models a group; full-size networks are passed as families."""
