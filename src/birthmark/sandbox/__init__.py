"""Running hostile model files in a separate process that can do little else."""
