"""Delivers a function's answers as objects in a bucket: partition keys, buffers, prefixes, the error output."""
