"""Second methods of the capital and liquidity calculators, row by row in plain Python."""
