"""Performance, attribution, exposures to factors, allocation and rebalancing of portfolios.

Returns are simple, in percent; annual figures take 252 trading days. Allocation estimates moments
from past daily returns and says so: they are estimates, not forecasts that anyone has confirmed.
"""
