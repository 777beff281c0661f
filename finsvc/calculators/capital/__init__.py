"""Regulatory capital and liquidity: market, credit and counterparty risk, ratios, margin.

Amounts are in the reporting currency of the inputs; parameters come from dated rule sets by
jurisdiction (`finsvc.calculators.inputs.capital.rulebook`), never from the code.
"""
