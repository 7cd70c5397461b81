"""What a hasher remembers of people is given up now and then."""

from __future__ import annotations

from itertools import islice

from consumer.mapping.normalize.hashing import hashers


def test_five_hundred_events_share_a_hasher_and_the_next_one_gets_another() -> None:
    served = list(islice(hashers(), 1001))
    assert len({id(hasher) for hasher in served}) == 3
    assert served[0] is served[499]
    assert served[499] is not served[500]
    assert served[500] is served[999]
