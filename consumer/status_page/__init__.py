"""A live page of one consumer process, for a browser on the same machine."""
