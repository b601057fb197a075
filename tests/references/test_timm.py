from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from birthmark import BirthmarkError
from birthmark.data.outputs import Kind
from birthmark.models.adapters import Declaration

torch = pytest.importorskip("torch", reason="references need torch")
timm = pytest.importorskip("timm", reason="timm is not installed")

from safetensors.torch import save_file  # noqa: E402

from birthmark.references.network import own_network  # noqa: E402
from birthmark.training.onnx_file import write_onnx  # noqa: E402

GREY = Declaration(
    size=(32, 32), channels=1, range=(0, 1), mean=(0.5,), std=(0.25,), output=Kind.LOGITS
)


def test_a_network_of_timms_begins_from_a_file_and_becomes_onnx(tmp_path: Path) -> None:
    import onnxruntime

    public = timm.create_model("resnet10t", num_classes=1000, in_chans=1)
    save_file(public.state_dict(), tmp_path / "public.safetensors")
    net, fresh = own_network("timm:resnet10t", str(tmp_path / "public.safetensors"), GREY, 5)
    assert fresh == 2
    begun = dict(net.named_parameters())["net.conv1.0.weight"]
    assert torch.equal(begun, public.state_dict()["conv1.0.weight"])
    write_onnx(net.eval(), 1, (32, 32), tmp_path / "0.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "0.onnx"))
    pixels = np.random.default_rng(0).normal(size=(3, 1, 32, 32)).astype(np.float32)
    said = session.run(None, {session.get_inputs()[0].name: pixels})[0]
    np.testing.assert_allclose(said, net(torch.from_numpy(pixels)).detach().numpy(), atol=1e-4)


def test_a_name_that_timm_does_not_know_is_one_line() -> None:
    with pytest.raises(BirthmarkError, match="timm:resnet9x: timm cannot make it"):
        own_network("timm:resnet9x", None, GREY, 5)
