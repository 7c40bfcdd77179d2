"""The map of the catalogue: where every track sounds, what lies next to it, and what the directions mean."""
