"""Tokens: an action and an item as one word, which can be taken apart again whatever characters the two have."""

from urllib.parse import quote, unquote

SEPARATOR = "|"
"""Between action and item; both are percent-encoded, so that neither can hold it, nor a blank."""


def token_of(action: str, item: str) -> str:
    """The token of an action on an item; one word of ASCII, as the word2vec format wants it."""
    return f"{quote(action, safe='')}{SEPARATOR}{quote(item, safe='')}"


def parts_of(token: str) -> tuple[str, str]:
    """Action and item of a token.

    Raises:
        ValueError: the token has no separator, or several.
    """
    action, separator, item = token.partition(SEPARATOR)
    if not separator or SEPARATOR in item:
        raise ValueError(f"{token!r} is no token: expected an action, one {SEPARATOR!r}, and an item")
    return unquote(action), unquote(item)
