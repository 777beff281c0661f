"""The GPU's runner of paged steps: loading, memory, CUDA graphs and the order of kernels.

Knows the kernels and the engine's contracts (`engine.runner`); which sequence owns what is decided
by the scheduler, as on the CPU.
"""
