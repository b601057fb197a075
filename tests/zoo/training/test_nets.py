from __future__ import annotations

import pytest

from birthmark import BirthmarkError

torch = pytest.importorskip("torch", reason="zoos need torch")

from birthmark.training.nets import NETS, network  # noqa: E402
from birthmark.training.nets.head import before_head, head, replace_head  # noqa: E402

FAMILIES = [plugin.example for plugin in NETS.plugins()]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    ("channels", "size", "core"), [(1, 32, 16), (3, 32, 16), (1, 48, 16), (3, 64, 16), (3, 64, 32)]
)
def test_networks_take_every_size(family: str, channels: int, size: int, core: int) -> None:
    net = network(family, outputs=5, channels=channels, size=size, core=core).eval()
    inputs = torch.zeros(2, channels, size, size)
    assert net(inputs).shape == (2, 5)
    assert 20_000 < sum(p.numel() for p in net.parameters()) < 400_000
    seen = before_head(net, inputs)
    torch.testing.assert_close(head(net)(seen), net(inputs))
    replace_head(net, 3)
    assert net(inputs).shape == (2, 3)


def test_the_zoos_four_families_are_there_and_others_for_references() -> None:
    assert {"densenet", "mobilenet", "resnet", "vgg"} < set(FAMILIES)


def test_a_network_without_a_linear_layer_is_refused() -> None:
    with pytest.raises(BirthmarkError, match="has no linear layer"):
        head(torch.nn.Conv2d(1, 1, 1))
