"""A service that exists for tests only: one table of each class, and no contract."""
