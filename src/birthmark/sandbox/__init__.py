"""Running hostile model files in a separate process that can do little else."""

from birthmark.sandbox.limits import Limits
from birthmark.sandbox.sandboxed import Sandboxed

__all__ = ["Limits", "Sandboxed"]
