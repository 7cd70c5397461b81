"""Meta's protocol without its transport: what a response means and what an error code means. Pure."""
