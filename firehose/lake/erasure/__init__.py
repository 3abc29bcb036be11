"""Erasure of a person's data: who is erased, and what that does to the objects of a lake."""
