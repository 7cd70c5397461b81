"""Normalize and hash personal values as Meta asks for. Pure."""
