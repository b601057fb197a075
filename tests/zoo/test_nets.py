from __future__ import annotations

from pathlib import Path

import pytest

import zoo_world
from birthmark import BirthmarkError
from birthmark.data.images import Image, encoded
from birthmark.models.adapters import open_suspect

torch = pytest.importorskip("torch", reason="zoos need torch")

from PIL import Image as Pillow  # noqa: E402

from birthmark.zoo.arrays import load  # noqa: E402
from birthmark.zoo.export import export_model  # noqa: E402
from birthmark.zoo.models import built  # noqa: E402
from birthmark.zoo.nets import NETS, network  # noqa: E402
from birthmark.zoo.nets.head import before_head, head, replace_head  # noqa: E402

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


def test_there_are_four_families() -> None:
    assert FAMILIES == ["densenet", "mobilenet", "resnet", "vgg"]


def test_a_network_without_a_linear_layer_is_refused() -> None:
    with pytest.raises(BirthmarkError, match="has no linear layer"):
        head(torch.nn.Conv2d(1, 1, 1))


@pytest.mark.parametrize("name", ["victim", "reference/1", "reference/2", "reference/3"])
def test_exported_models_are_asked_like_any_other(
    name: str, objects: zoo_world.Zoo, tmp_path: Path
) -> None:
    out = tmp_path / "exported"
    assert export_model(objects.folder, name, out) < 1e-4
    own = load(objects.folder / "data" / "own")
    pixels = own.pixels[:8]
    images = [
        Image(encoded(Pillow.fromarray(p.transpose(1, 2, 0)), "PNG"), f"{i}.png")
        for i, p in enumerate(pixels)
    ]
    said = open_suspect(str(out / "model.onnx")).answer(images)
    wanted = built(objects.plan, objects.folder, name).answer(pixels)
    assert said.kind is wanted.kind
    assert (said.predicted() == wanted.predicted()).all()


def test_disguises_are_not_exported(objects: zoo_world.Zoo, tmp_path: Path) -> None:
    with pytest.raises(BirthmarkError, match=r"behind a disguise.*export its parent, victim"):
        export_model(objects.folder, "renamed/0", tmp_path / "x")
    with pytest.raises(BirthmarkError, match="no model of this zoo; name one such as reference/3"):
        export_model(objects.folder, "reference/33", tmp_path / "x")
