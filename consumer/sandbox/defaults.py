"""What a sandbox knows and takes where nobody says otherwise."""

PIXEL_ID = "1234567890"
ACCESS_TOKEN = "sandbox-token"  # noqa: S105 - no secret, it opens nothing
BODY_BYTES_MAX = 8 * 1024 * 1024  # twice what the consumer sends at most; Meta's limit is unknown
