"""Running the shop: clients behind proxies, health, limits, metrics, server, static files."""
