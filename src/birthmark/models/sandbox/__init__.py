"""Running hostile model files in a separate process that can do little else."""

from birthmark.models.sandbox.limits import Limits
from birthmark.models.sandbox.sandboxed import Sandboxed

__all__ = ["Limits", "Sandboxed"]
