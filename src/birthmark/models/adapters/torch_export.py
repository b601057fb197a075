"""Archives of `torch.export` (extra `torch`)."""

from __future__ import annotations

from birthmark.models.adapters.base import ADAPTERS
from birthmark.models.adapters.file import FileSuspect


class TorchExportSuspect(FileSuspect):
    """A model in an archive of `torch.export.save`; see `FileSuspect`."""

    runtime = "torch-export"
    adapter = "torch_export"
    what = "archive of torch.export"


ADAPTERS.register(r".*\.pt2", example="victim.pt2")(lambda: TorchExportSuspect)
