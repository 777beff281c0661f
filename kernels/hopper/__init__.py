"""Kernels for sm_90, written in Gluon, Triton's language with explicit layouts.

They make the same products as the portable kernels, bit for bit, and read the same packed weights.
The interpreter cannot run them; continuous integration compiles them ahead of time, and tests under
the `gpu` marker compare them with the portable ones.
"""
