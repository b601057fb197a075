"""What runs many tasks at once; one file an engine."""

from birthmark.training.engines.base import ENGINES, Engine, WorkerDiedError, alone

__all__ = ["ENGINES", "Engine", "WorkerDiedError", "alone"]
