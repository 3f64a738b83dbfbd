"""Local decoding: many answers at once, each as if it were alone."""
