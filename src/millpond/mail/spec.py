"""What a sender is: something that takes a letter out of the house, or says why it could not."""

from typing import Protocol

from millpond.mail.records import Letter


class NotSentError(Exception):
    """The letter did not get out; the text says why, and holds nothing of the letter."""


class MailMisconfiguredError(Exception):
    """The operator's settings for mail mean nothing; the text names the setting and what it takes."""


class Sender(Protocol):
    """One way out. May be asked again for the same letter: a letter can arrive twice, never not at all."""

    async def send(self, letter: Letter) -> None:
        """Return when the next station has taken it. Raises NotSentError."""
        ...
