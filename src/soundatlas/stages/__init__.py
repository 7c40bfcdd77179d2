"""One thin module per stage of `dvc.yaml`: load, call the floors below, write whole outputs."""
