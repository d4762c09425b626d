"""What may never be shown: secrets in settings, passwords in the text of others."""

from __future__ import annotations

import re


class Secret:
    """A text that never shows itself: only `reveal` gives it out."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return "Secret('***')"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other.reveal() == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def reveal(self) -> str:
        """Return the text itself, for the one call that needs it."""
        return self._text


def scrubbed(text: str) -> str:
    """Return a text without the passwords that a URL or a connection string may carry."""
    text = re.sub(r"(://[^/\s:@]*:)\S*(@)", r"\1***\2", text)
    return _NAMED_PASSWORD.sub(r"\1***", text)


_NAMED_PASSWORD = re.compile(
    r"""((?:password|passwd|pwd)["']?\s*[=:]\s*)("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s&]+)""",
    re.IGNORECASE,
)
