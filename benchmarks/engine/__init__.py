"""Rates of the engine, on a CPU and on a GPU."""
