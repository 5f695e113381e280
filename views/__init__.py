"""The pages, a blueprint each, in the order a shopper meets them."""
