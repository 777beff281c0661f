"""Second methods of portfolio analytics: they share no code with `finsvc.calculators.portfolio`."""
