"""What the models of a zoo answer, recorded in one file; reading it needs no torch."""

from birthmark.zoo.answers.file import read_answers
from birthmark.zoo.answers.recorded import Recorded

__all__ = ["Recorded", "read_answers"]
