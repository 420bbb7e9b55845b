"""People and their places in companies: accounts, sign-in, and the state behind OAuth 2 and its tokens."""
