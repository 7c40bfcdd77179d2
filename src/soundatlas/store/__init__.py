"""The spectrogram store: log-mel spectrograms by audio hash, in shards that are a function of their content."""
