"""How a shopper is reached: countries and e-mail addresses."""
