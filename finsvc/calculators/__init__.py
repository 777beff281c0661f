"""Deterministic calculators, each a pure function of validated inputs and one market snapshot.

Owns formulas, their conventions and their independent second methods; leaves market data, books
and rendering to other rooms. The registry is `finsvc.calculators.registry`; conventions are in
``DESIGN.md``.
"""
