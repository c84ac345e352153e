"""Training: config and data in, weights and history out. The loss itself is a method's (`neft.methods`)."""
