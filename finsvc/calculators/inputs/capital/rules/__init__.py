"""Rule sets as JSON files, one a family; see `finsvc.calculators.inputs.capital.rulebook`."""
