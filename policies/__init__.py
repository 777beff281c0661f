"""Policy as code: Cedar bundles and the evaluator that turns facts into decisions."""
