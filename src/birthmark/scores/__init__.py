"""Scores: how close a suspect is to a victim; one file a score."""

from birthmark.scores.base import SCORES, Pools, Score

__all__ = ["SCORES", "Pools", "Score"]
