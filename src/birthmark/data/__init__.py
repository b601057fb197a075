"""Images and answers, and how they are read."""
