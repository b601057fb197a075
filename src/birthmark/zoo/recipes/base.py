"""The protocol of every recipe."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import BaseModel, ConfigDict

from birthmark.common.registry import Registry

if TYPE_CHECKING:
    from torch import nn

    from birthmark.zoo.recipes.job import Job


class Recipe(BaseModel):
    """How a model is made; its fields are its parameters.

    Attributes
    ----------
    needs_parent
        Whether it starts from another model, or learns another's answers.
    keeps_network
        Whether its network is the parent's, not one of its own.
    new_task
        Whether it answers with another label set.
    tasks
        The tasks that it can be used for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    needs_parent: ClassVar[bool] = True
    keeps_network: ClassVar[bool] = False
    new_task: ClassVar[bool] = False
    tasks: ClassVar[tuple[str, ...]] = ("classes", "verification")

    def train(self, job: Job) -> nn.Module:
        """Make the network."""
        raise NotImplementedError

    def images(self, job: Job) -> int:
        """How many images it is trained on."""
        if self.new_task:
            return len(job.new.parts["train"])
        return len(job.own.part(job.member.data, job.member.seed))


RECIPES: Registry[type[Recipe]] = Registry("recipe", "birthmark.zoo.recipes")
