"""The agents: tool catalogue, span resolution and the loop between model and calculators."""
