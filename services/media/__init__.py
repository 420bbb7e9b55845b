"""Shop logos and favicons: imported, converted, kept, served."""
