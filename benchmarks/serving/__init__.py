"""Benchmarks of serving: parser, grammars, scheduler and HTTP."""
