"""The front end: from an audio file to log-mel windows. Training and serving both pass through here, once."""
