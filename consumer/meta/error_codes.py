"""
What Meta's error codes mean, in our own words; and how much of Meta's own may be shown.

Meta's messages may echo the values of an event, so they are never shown. A
person gets one of these sentences, and the title of the error with everything
masked in it that could be a value.
"""

from __future__ import annotations

import re

# (code, subcode); a subcode of None stands for every other one.
SENTENCES: dict[tuple[int, int | None], str] = {
    (190, None): "the access token is refused: it was revoked, has expired, or was mistyped",
    (102, None): "the session of the access token has ended; make a new token",
    (104, None): "the request lacks a valid access token",
    (10, None): "the access token has no permission for this pixel",
    (3, None): "the app of the access token may not make this call",
    (294, None): "the access token lacks a permission",
    (12, None): "this call is deprecated; set CAPI_GRAPH_VERSION to a newer version",
    (2500, None): "Meta knows no such address; check CAPI_GRAPH_URL, CAPI_GRAPH_VERSION and CAPI_PIXEL_ID",
    (2635, None): "this version of the Graph API has ended; set CAPI_GRAPH_VERSION to a newer one",
    (100, 33): "the pixel does not exist, or the access token may not use it; check CAPI_PIXEL_ID",
    (100, None): "a parameter of an event is refused",
    (100, 2804001): "fbc is malformed",
    (100, 2804003): "the event is older than Meta takes",
    (100, 2804009): "a Purchase has no value",
    (100, 2804010): "a Purchase has no currency",
    (100, 2804016): "a parameter that must be hashed is not",
    (100, 2804043): "app_data.extinfo is missing or malformed",
    (100, 2804050): "user_data holds too little to match a user",
    (100, 2804063): "messaging_channel is missing",
    (100, 2804066): "this event name is not allowed for business messaging",
    (105, None): "there are too many parameters",
    (368, None): "Meta has blocked this account for now; see Account Quality in the business's settings",
    (4, None): "the app has made too many calls",
    (17, None): "the user of the token has made too many calls",
    (32, None): "the page has made too many calls",
    (341, None): "the limit of the app is reached",
    (613, None): "a rate limit is exceeded",
    (1, None): "an unknown error at Meta",
    (5000, None): "an error at Meta that passes",
    (21009, None): "an error at Meta that passes",
    (2, None): "Meta's service is not available for a moment",
}

# How a code is counted: metrics have a closed set of them, so rights and limits of a business are one each.
RIGHTS = range(200, 300)
BUSINESS_LIMITS = range(80_000, 80_015)
CODE_RANGES = {RIGHTS: "200-299", BUSINESS_LIMITS: "80000-80014"}
OTHER_CODE = "other"
CODE_WORDS = (
    *(str(code) for code in sorted({code for code, _ in SENTENCES if code not in RIGHTS})),
    *CODE_RANGES.values(),
    OTHER_CODE,
)

PERMISSION = "the access token lacks a permission for this pixel"
BUSINESS_THROTTLE = "the business has made too many calls"


def sentence(code: int | None, subcode: int | None, status: int) -> str:
    """Our sentence for an error; for an unknown one, its numbers."""
    if code is None:
        return f"HTTP {status} without a code"
    known = SENTENCES.get((code, subcode)) or SENTENCES.get((code, None))
    if known:
        return known
    if code in RIGHTS:
        return PERMISSION
    if code in BUSINESS_LIMITS:
        return BUSINESS_THROTTLE
    return f"an error whose code ({code}) is not known to this version"


def code_word(code: int) -> str:
    """The code as a metric's attribute: one of CODE_WORDS."""
    for codes, word in CODE_RANGES.items():
        if code in codes:
            return word
    return str(code) if any(code == known for known, _ in SENTENCES) else OTHER_CODE


TITLE_CHARS_MAX = 120
# Cut at a space before it is searched: the time of a search grows with the
# square of the length. A quotation that the cut leaves open is masked too.
TITLE_CHARS_READ = 500
VALUES = re.compile(
    r"""
    "[^"]*("|$) | “[^”]*(”|$) | «[^»]*(»|$) | `[^`]*(`|$)   # quoted parts
    | '[^']*' | (?<!\w)'[^']*$                              # the same, but not the one in isn't
    | [0-9a-fA-F]{32,}                                      # digests
    | \S*@\S*                                               # e-mail addresses
    | \+?\d[\d\s().-]{5,}\d                                 # telephone numbers, ids
    """,
    re.VERBOSE,
)


def masked(title: object) -> str:
    """Meta's title of an error, with quoted parts, digests, addresses and long numbers as `*****`."""
    if not isinstance(title, str):
        return ""
    if len(title) > TITLE_CHARS_READ:
        title = title[:TITLE_CHARS_READ].rpartition(" ")[0]
    return VALUES.sub("*****", title)[:TITLE_CHARS_MAX]
