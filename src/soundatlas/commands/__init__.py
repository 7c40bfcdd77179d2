"""What the `soundatlas` command does, one module per verb."""
