"""What may be said of a text that could hold a password: the text with the secrets taken out."""

import re
from collections.abc import Iterable

MASK = "***"
_USER_INFO = re.compile(r"(?<=://)[^\s/]+@")
_ASSIGNED = re.compile(
    r"""(?ix) ( [\w-]* (?:password|passwd|pwd|passphrase|secret|token|api[_-]?key|credential|authorization) [\w-]* ["']? \s* [=:] \s* ["']? )
    (?:bearer\s+|basic\s+)? [^\s"',;&]+"""
)


def masked(text: str, secrets: Iterable[str] = ()) -> str:
    """The text with `***` for each of the secrets, for user and password in addresses, and for what follows `password=` and its like."""
    for secret in sorted(set(secrets), key=len, reverse=True):
        text = text.replace(secret, MASK)
    return _ASSIGNED.sub(rf"\1{MASK}", _USER_INFO.sub(f"{MASK}@", text))
