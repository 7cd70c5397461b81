"""A decision, told to a person: key by key, in words and as a table."""
