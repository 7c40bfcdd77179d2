"""From a prediction back to the bytes, from a track forward to all that was made of it, and forgetting a track."""
