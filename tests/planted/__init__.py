"""Bugs to plant in the library: those of a part of it in each file."""
