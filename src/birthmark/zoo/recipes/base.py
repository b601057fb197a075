"""The protocol of every recipe."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

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
    task
        The label set that it answers with: the victim's own, the new one, or the foreign images'.
    tasks
        The tasks that it can be used for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    needs_parent: ClassVar[bool] = True
    keeps_network: ClassVar[bool] = False
    task: ClassVar[Literal["own", "new", "foreign"]] = "own"
    tasks: ClassVar[tuple[str, ...]] = ("classes", "verification")

    def train(self, job: Job) -> nn.Module:
        """Make the network."""
        raise NotImplementedError

    def images(self, job: Job) -> int:
        """How many images it is trained on."""
        if self.task == "new":
            return len(job.new.parts["train"])
        return len(job.own.part(job.member.data, job.member.seed))


RECIPES: Registry[type[Recipe]] = Registry("recipe", "birthmark.zoo.recipes")
