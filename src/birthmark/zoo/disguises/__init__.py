"""What a thief puts before or behind a stolen model; one file a disguise, none needs torch."""

from birthmark.zoo.disguises.base import DISGUISES, Disguise

__all__ = ["DISGUISES", "Disguise"]
