"""What runs many trainings at once; one file an engine."""

from birthmark.training.engines.base import ENGINES, Engine, WorkerDiedError

__all__ = ["ENGINES", "Engine", "WorkerDiedError"]
