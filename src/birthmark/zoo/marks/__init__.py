"""Marks that an owner trains into a model, and what is left of them in a suspect."""
