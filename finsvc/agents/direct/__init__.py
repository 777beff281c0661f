"""Every calculator as a tool, made from its own schema.

Models that were not trained on a fixed list get these beside the trained ones. Arguments stay
spans of the question that code reads; what does not fit into a sentence (trades, sensitivities,
curves) comes in documents that the caller attaches and a span names.
"""
