"""Methods against populations: from recorded answers to tables."""
