"""
Has the group taken us in?

librdkafka calls back when partitions come, and a member of a classic group
hears so too when it gets none. Under KIP-848 nothing is said to a member
without partitions, and its id proves nothing, as it has made it itself. What
the coordinator alone gives is the generation (KIP-848: the member epoch): it is
above 0 for a member, and so librdkafka itself asks whether it has joined.

It is the number behind the mark in what `consumer_group_metadata` returns:

    CGMDv2:  02 00 00 00  group \\0 member \\0 ...
"""

from __future__ import annotations

import sys

MARK = b"CGMDv2:"
GENERATION_BYTES = 4


def has_joined_group(metadata: bytes | None) -> bool:
    """Whether this group metadata is a member's. False for a form that is not known."""
    if metadata is None or not metadata.startswith(MARK):
        return False
    generation = metadata[len(MARK) : len(MARK) + GENERATION_BYTES]
    return int.from_bytes(generation, sys.byteorder, signed=True) > 0
