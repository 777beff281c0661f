"""Input models of the pricing calculators, read by first and second methods alike."""
