"""How rows carry their origin through the steps of a pipeline."""
