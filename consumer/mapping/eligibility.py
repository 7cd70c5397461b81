"""
Is there enough in the event to be worth sending, and does Meta take it?

Asked of what would be sent, after mapping: a value that was dropped does not
count. The order of the questions is public, as an event has one reason.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Set

from consumer.domain.decision import Reason
from consumer.mapping.rules import MappingOptions, MatchRule
from consumer.mapping.tables import PURCHASE

IDENTIFIERS = frozenset({"em", "ph", "external_id", "fbp", "fbc"})
OTHERS = frozenset(
    {"ge", "db", "ln", "fn", "ct", "st", "zp", "country", "client_ip_address", "client_user_agent"}
)

# What Meta refuses when user_data holds nothing else. The readings of the minimum leave little
# of it to be asked; it stands here because it is Meta's, and they are the user's. From Meta's
# documentation of customer information parameters, read in November 2026.
NEVER_ENOUGH = (
    frozenset({"ct", "country", "st", "zp", "ge", "client_user_agent"}),
    frozenset({"db", "client_user_agent"}),
    frozenset({"fn", "ge"}),
    frozenset({"ln", "ge"}),
)
_NEVER_ENOUGH_KEYS = max(map(len, NEVER_ENOUGH))


def rejection_reason(
    given_name: str,
    name: str,
    user_data: Collection[str],
    custom_data: Collection[str],
    rules: MappingOptions,
) -> Reason | None:
    """
    Why a mapped event is not sent; None when it is.

    `given_name` is the site's `event_name`, `name` the one Meta gets; of the
    data only the keys count.
    """
    is_metas_purchase = name == PURCHASE
    is_purchase = is_metas_purchase or given_name == "purchase"
    if is_purchase and not any(map(user_data.__contains__, rules.purchase_personal_information)):
        return Reason.PURCHASE_WITHOUT_PERSONAL_INFORMATION
    if not is_enough_to_match(user_data, rules.match_rule):
        return Reason.NOT_ENOUGH_TO_MATCH
    if is_metas_purchase and "value" not in custom_data:
        return Reason.PURCHASE_WITHOUT_VALUE
    if is_metas_purchase and "currency" not in custom_data:
        return Reason.PURCHASE_WITHOUT_CURRENCY
    return None


def is_enough_to_match(keys: Collection[str], rule: MatchRule) -> bool:
    """Whether `user_data` with these keys may match somebody: by the user's rule, then by Meta's."""
    return is_enough_by_rule(keys, rule) and not meta_rejects_keys(keys)


def is_enough_by_rule(keys: Collection[str], rule: MatchRule) -> bool:
    """Whether the user's rule alone is content."""
    if rule is MatchRule.ALL:
        return _has(keys, 1, IDENTIFIERS) and _has(keys, 3, OTHERS)
    if rule is MatchRule.ANY_OTHER:
        return _has(keys, 1, IDENTIFIERS) and _has(keys, 4, IDENTIFIERS | OTHERS)
    return _has(keys, 1, IDENTIFIERS) or _has(keys, 3, OTHERS)


def meta_rejects_keys(keys: Collection[str]) -> bool:
    """Whether Meta refuses an event for whose `user_data` has these keys, or none."""
    return len(keys) <= _NEVER_ENOUGH_KEYS and any(never.issuperset(keys) for never in NEVER_ENOUGH)


def _has(keys: Iterable[str], least: int, of: Set[str]) -> bool:
    """Whether at least so many of the keys are among these. Looks no further than it must."""
    for key in keys:
        if key in of:
            least -= 1
            if not least:
                return True
    return False
