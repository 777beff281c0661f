"""Market risk beyond a single value at risk: bands, contributions, stressed and filtered figures.

Owns backtests, profit-and-loss attribution, stress tables and searches, and the volatility surface;
leaves revaluation to `finsvc.calculators.factors`. A loss is positive in risk figures, a profit in
profits. Backtests follow MAR32 and MAR99 of the Basel framework and the papers that each names.
"""
