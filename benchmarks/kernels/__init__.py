"""Times of single kernels on a GPU."""
