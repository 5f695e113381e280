"""What running the shop needs and a first reading does not."""
