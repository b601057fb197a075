"""Images and sets of them; one file a layout that sets are read from."""

from birthmark.common.files import read_bytes
from birthmark.common.progress import Progress, silent
from birthmark.data.images.decoding import MAX_SIDE
from birthmark.data.images.entry import Entry, entry_of
from birthmark.data.images.image import Image, array_digest, encoded
from birthmark.data.images.image_set import ImageSet
from birthmark.data.images.npz import load_npz

__all__ = [
    "MAX_SIDE",
    "Entry",
    "Image",
    "ImageSet",
    "Progress",
    "array_digest",
    "encoded",
    "entry_of",
    "load_npz",
    "read_bytes",
    "silent",
]
