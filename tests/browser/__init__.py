"""The gateway's pages in Chromium, as people see them."""
