"""A whole story on handwritten digits: theft, enrolment, audit."""

from birthmark.demo.files import write_story
from birthmark.demo.story import Story, tell

__all__ = ["Story", "tell", "write_story"]
