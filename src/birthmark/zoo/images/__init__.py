"""The images of a zoo: read, divided, and kept as arrays."""
