"""What a thief puts before or behind a stolen model; one file a disguise, none needs torch."""

from birthmark.zoo.disguises.base import DISGUISES, Disguise
from birthmark.zoo.disguises.lookup import disguise_of, is_disguise

__all__ = ["DISGUISES", "Disguise", "disguise_of", "is_disguise"]
