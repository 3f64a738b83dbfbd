"""Names of other libraries that are private, or that differ between their versions."""
