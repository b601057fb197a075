"""Models that are asked: adapters, what runs their files, and asking over HTTP."""
