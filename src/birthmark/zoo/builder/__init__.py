"""What makes every model of a plan: one after the other, or many at a time."""

from birthmark.zoo.builder.builder import Built, build_zoo
from birthmark.zoo.builder.members import copies, members

__all__ = ["Built", "build_zoo", "copies", "members"]
