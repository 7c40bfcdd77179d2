"""Every prediction that a champion ever made here, beside the projection that DVC keeps, and what flipped between."""
