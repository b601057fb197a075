"""A whole story on handwritten digits: theft, enrolment, audit."""

from birthmark.demo.story import Story, tell
from birthmark.demo.writing import write_story

__all__ = ["Story", "tell", "write_story"]
