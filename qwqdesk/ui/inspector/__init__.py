"""The inspector: what a model file says of itself, in a window of its own."""
