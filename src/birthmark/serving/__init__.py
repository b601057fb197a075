"""A small server for a model, to try an audit over HTTP (extra `serve`)."""
