"""Readers of our own, one a format, that cut a file down to what draws its first picture.

They are plain Python over the file's bytes: they decode nothing, follow no loop, and bound the picture's
size before a decoder written in C sees a byte of it.
"""
