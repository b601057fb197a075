"""The weights of a zoo's models, on the disk and loaded."""

from __future__ import annotations

from pathlib import Path

import safetensors.torch
from torch import nn

from birthmark.common.digests import sha256_of_file
from birthmark.common.errors import BirthmarkError
from birthmark.common.files import whole_file
from birthmark.data.outputs import Kind
from birthmark.training.nets.eight_bit import put_in_eight_bits
from birthmark.zoo.disguises import disguise_of, is_disguise
from birthmark.zoo.models.model import ZooModel
from birthmark.zoo.models.network import planned
from birthmark.zoo.models.record import Record, read, weights_file
from birthmark.zoo.plan import Plan


def kind_of(plan: Plan, task: str) -> Kind:
    """What networks of a task answer."""
    return Kind.EMBEDDINGS if plan.task == "verification" and task == "own" else Kind.LOGITS


def built(plan: Plan, folder: Path, name: str) -> ZooModel:
    """Load a model that is built.

    Raises
    ------
    BirthmarkError
        If it is not, or its weights are not those of its record.
    """
    record = read(folder, name)
    if record is None:
        raise BirthmarkError(name, "is not built", "run `birthmark zoo build` again")
    if is_disguise(record.recipe):
        inner = built(plan, folder, record.parent or "")
        return inner.behind(disguise_of(record.recipe, record.parameters))
    return ZooModel(_network(plan, folder, record), kind_of(plan, record.task))


def _network(plan: Plan, folder: Path, record: Record) -> nn.Module:
    file = weights_file(folder, record.name)
    if not file.exists() or sha256_of_file(file) != record.weights:
        raise BirthmarkError(
            file, "is missing or differs from its record", "run `birthmark zoo build` again"
        )
    net = planned(plan.families[record.family].net, plan, record.outputs)
    weights = safetensors.torch.load_file(file)
    if weights.keys() != net.state_dict().keys():
        put_in_eight_bits(net)
    net.load_state_dict(weights)
    return net.eval()


def save(folder: Path, name: str, net: nn.Module) -> str:
    """Write a network's weights; returns their digest."""
    file = weights_file(folder, name)
    state = {key: value.contiguous() for key, value in net.state_dict().items()}
    with whole_file(file) as passing:
        passing.write_bytes(safetensors.torch.save(state))
    return sha256_of_file(file)
