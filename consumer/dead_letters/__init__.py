"""Dead letters after they were written: read, shown, kept in files, and sent back to where they came from."""
