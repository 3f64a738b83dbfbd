"""What is asked of a model, and what is accepted, where rows are texts."""
