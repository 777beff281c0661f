"""Second methods of the pricing calculators: QuantLib, or a re-implementation where it has none."""
