"""soundatlas learns the sound of a music catalogue, stage by stage, from audio to a champion model."""
