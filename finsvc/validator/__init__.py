"""The validator: every number of an answer is bound, recomputed and given a verdict."""
