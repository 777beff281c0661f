"""First methods of the pricing calculators: own formulas, vectorised where it pays.

Owns options, bonds, curves, swaps and credit; the second methods (mostly QuantLib) are in
`finsvc.calculators.second.pricing`. Conventions and measured figures are in ``DESIGN.md``.
"""
