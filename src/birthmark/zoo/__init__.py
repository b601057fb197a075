"""Populations of stolen and innocent models, to measure methods on (extra `torch`)."""
