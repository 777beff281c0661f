"""Inputs of the capital and liquidity calculators, and the dated rule sets both methods read."""
