"""The model as a thing with a life: its bundle, its MLflow run, its registered version, its place as champion."""
