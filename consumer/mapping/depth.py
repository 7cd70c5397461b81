"""
How deep a value nests.

orjson reads 1,024 levels and writes 254. What goes to Meta is held to 32, by
one look before anything walks into it, so every walk after it is bounded.
A flat list or object is 1 deep.
"""

from __future__ import annotations

DEPTH_MAX = 32


def is_too_deep(value: object, depth_max: int = DEPTH_MAX) -> bool:
    """Whether lists and objects nest more than `depth_max` levels. Looks no deeper than that."""
    if type(value) is dict:
        children = iter(value.values())
    elif type(value) is list:
        children = iter(value)
    else:
        return False
    if depth_max == 0:
        return True
    return any(is_too_deep(child, depth_max - 1) for child in children)
