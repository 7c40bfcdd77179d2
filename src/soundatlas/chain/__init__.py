"""From one track's bytes to its prediction, step by step: what is there, what is missing, and making just that."""
