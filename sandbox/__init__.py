"""Payment providers imitated over real HTTP, so that a shop can be tried and tested offline.

A Flask app of its own, on its own port, with its own database. It imports nothing of the shop.
"""
