"""What runs many trainings at once; one file an engine."""

from birthmark.zoo.builder.engines.base import ENGINES, Engine, WorkerDiedError

__all__ = ["ENGINES", "Engine", "WorkerDiedError"]
