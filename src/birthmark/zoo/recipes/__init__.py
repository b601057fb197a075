"""Recipes of theft, and of innocence; one file each."""

from birthmark.zoo.recipes.base import RECIPES, Recipe

__all__ = ["RECIPES", "Recipe"]
