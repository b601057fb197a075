"""How an API is described, what is sent to it, and how its answers are read."""
