"""``make demo``: every provider's scenarios over real HTTP; begin at ``__main__.py``."""
