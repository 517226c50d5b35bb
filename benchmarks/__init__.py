"""What the fake costs, as ratios taken within one run: `make bench`."""
