"""Windows: they gather parameters, run algorithms and show the answer. No window computes."""
