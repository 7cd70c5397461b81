"""
How often Python looks for garbage that counting references does not find.

    at start    what was imported stays for good, and is looked at no more
    later       a look for each 50,000 objects more than there were, not for each 700

Nothing of a record refers to itself, so nearly all of it goes when its last
reference does. By default each look goes through the thousands of events in
flight, and finds nothing. What is left for it are the errors of connections,
some 80 small objects each: whoever catches one empties its frames (`delivery/meta_client.py`),
or each would keep a request's body until the next look.
"""

from __future__ import annotations

import gc

# Objects of the youngest generation, and looks at the generation before: Python's own are 700, 10, 10.
YOUNG_OBJECTS = 50_000
LOOKS_AT_YOUNGER = 20


def tune() -> None:
    """For the whole process. Called once, when everything is imported."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, LOOKS_AT_YOUNGER, LOOKS_AT_YOUNGER)
