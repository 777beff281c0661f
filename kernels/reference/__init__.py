"""Plain torch twins of every operation of the gpt-oss network.

Each says what a kernel must compute, in the shortest correct form; none is fast. The tests compare
kernels and the CPU engine with them.
"""
