"""The definitions once more, in Python with mpmath, one concept a file."""
