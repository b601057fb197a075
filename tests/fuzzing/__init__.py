"""The readers of files, as functions of bytes, and what is put to them."""
