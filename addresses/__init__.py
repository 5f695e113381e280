"""How addresses are written and read: of countries, of e-mail, of servers."""
