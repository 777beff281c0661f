"""Second methods: an independent word on every figure of the calculators.

Nothing here imports a first method; only the domain, the input models and libraries are shared.
Each method declares its kind: a library's own implementation, another algorithm for the same
quantity, or a re-implementation from the definition.
"""
