"""Deterministic parsers from text spans to typed values.

A parser understands a closed, documented set of wordings. What it does not understand is an
`InputError` that names the argument, what was expected and the span; it never guesses. Where a
wording needs a convention ("one month" is 21 trading days), the convention is in ``notes`` of the
result, as a full sentence that the answer states.
"""
