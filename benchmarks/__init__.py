"""Benchmarks: how good and how fast soundatlas is beside what else one could use. No part of the pipeline."""
