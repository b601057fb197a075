"""Reference models for an owner's own task: the population that an innocent would come from."""
