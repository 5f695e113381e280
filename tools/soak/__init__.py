"""``make soak``: purchases while all is killed and fails, then an audit; see ``__main__.py``."""
