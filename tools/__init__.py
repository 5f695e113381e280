"""What `make` runs: the shop, its demo, its soak, and what these share."""
