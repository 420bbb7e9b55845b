"""Shops of companies: settings that payments obey, keys that never leak."""
