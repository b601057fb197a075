"""What `torch.export.load` imports only when it is called."""

import os

os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = "1"

import torch._export.serde.serialize  # noqa: E402
import torch._inductor.cpp_builder  # noqa: E402
import torch.export.pt2_archive  # noqa: E402

__all__ = ["torch"]
