"""The models of a zoo: what is kept of each, and how it is loaded and asked."""
