"""What every room stands on: errors, files that are whole or not there, digests, plugins."""
