"""Second methods of market risk: they share no code with `finsvc.calculators.risk`."""
