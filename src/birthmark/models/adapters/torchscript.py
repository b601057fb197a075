"""TorchScript archives (extra `torch`)."""

from __future__ import annotations

from birthmark.models.adapters.base import ADAPTERS
from birthmark.models.adapters.file import FileSuspect


class TorchScriptSuspect(FileSuspect):
    """A model in an archive of `torch.jit.save`; see `FileSuspect`."""

    runtime = "torchscript"
    adapter = "torchscript"
    what = "TorchScript archive"


ADAPTERS.register(r".*\.(torchscript|ts)", example="victim.torchscript")(lambda: TorchScriptSuspect)
