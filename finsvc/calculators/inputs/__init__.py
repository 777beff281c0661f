"""Input models of the calculators: the contract that first and second methods both read.

Nothing here computes. Numbers are decimal strings, dates ISO 8601, unknown fields are errors.
"""
