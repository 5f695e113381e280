"""``make provider NAME=acme``: the folders of a new provider, each part saying what it must do."""
