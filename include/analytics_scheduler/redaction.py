"""What must never be shown: secrets in settings, and passwords in messages of libraries."""

from __future__ import annotations

import re


class Secret:
    """A string whose repr is `***`; only `reveal` returns it."""

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
        """Return the string, for the one call that needs it."""
        return self._text


def scrubbed(text: str) -> str:
    """Return a text with the passwords of its URLs and connection strings replaced by `***`."""
    text = re.sub(r"(://[^/\s:@]*:)\S*(@)", r"\1***\2", text)
    return _NAMED_PASSWORD.sub(r"\1***", text)


_NAMED_PASSWORD = re.compile(
    r"""((?:password|passwd|pwd)["']?\s*[=:]\s*)("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s&]+)""",
    re.IGNORECASE,
)
