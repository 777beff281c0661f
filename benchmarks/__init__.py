"""Speed and memory; `python -m benchmarks.run` runs all and keeps the results."""
