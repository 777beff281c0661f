"""Triton kernels and their plain torch twins; importing this package loads nothing."""
