"""Pruning by importance: channels that the loss would hardly miss are dropped."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from birthmark.training.inputs import scaled
from birthmark.zoo.recipes.base import RECIPES
from birthmark.zoo.recipes.fine_pruned import FinePruned


class TaylorPruned(FinePruned):
    """The share `ratio` of all channels of the network, the least important first.

    Source: Molchanov et al. 2019, "Importance Estimation for Neural Network Pruning", first order,
    gates behind batch norm: a channel's importance is the square of the sum over its weights there
    of weight times gradient, averaged over batches. Channels are ranked in the whole network; two
    are left in each layer.
    """

    tasks = ("classes",)

    def least(
        self,
        net: nn.Module,
        norms: list[nn.BatchNorm2d],
        pixels: Tensor,
        labels: Tensor,
        dropped: list[Tensor],
        share: float,
    ) -> list[Tensor]:
        """The channels whose removal changes the loss least, to first order."""
        sums = [torch.zeros(norm.num_features) for norm in norms]
        net.eval()
        for some, truth in zip(torch.split(pixels, 64), torch.split(labels, 64), strict=True):
            net.zero_grad()
            F.cross_entropy(net(scaled(some)), truth).backward()  # type: ignore[no-untyped-call]
            for total, norm in zip(sums, norms, strict=True):
                slopes = norm.weight.grad, norm.bias.grad
                if slopes[0] is not None and slopes[1] is not None:
                    change = norm.weight * slopes[0] + norm.bias * slopes[1]
                    total += change.detach() ** 2
        for total, gone in zip(sums, dropped, strict=True):
            total[gone] = -1.0
            total[total.topk(2).indices] = torch.inf
        bar = torch.cat(sums).sort().values[int(share * sum(map(len, sums)))]
        return [torch.nonzero(total < bar).flatten() for total in sums]


RECIPES.register(r"taylor-pruned", example="taylor-pruned")(lambda: TaylorPruned)
