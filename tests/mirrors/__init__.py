"""What services keep of each other, and what they do about each other's changes."""
