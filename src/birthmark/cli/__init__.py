"""Commands; one file a command, no logic."""
