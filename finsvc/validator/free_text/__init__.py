"""Typed claims in free text of any model, and what given results say of them.

The text is taken as it stands: `amounts` and `dates` read numbers and days, `clauses` cuts
sentences so that each result figure stands with its own words, `evidence` holds what is known,
`binding` judges every figure and `relations` what is said about several.
"""
