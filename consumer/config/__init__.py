"""Settings: their names, types, limits and defaults, and how they are loaded."""
