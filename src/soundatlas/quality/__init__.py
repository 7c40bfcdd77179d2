"""May we train on this? The catalogue, the spectrograms and the split against the suites in `gx/`.

The only caller of Great Expectations, which takes seconds to import: it is imported inside functions.
"""
