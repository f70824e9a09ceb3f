"""Which ways out there are, read from the operator's settings."""

from collections.abc import Collection

import msgspec

from millpond.config import Config
from millpond.mail.programs import MailCommand, TextCommand, TextWebhook
from millpond.mail.records import Channel
from millpond.mail.smtp import SmtpSender, smtp_server
from millpond.mail.spec import MailMisconfiguredError, Sender


class Senders(msgspec.Struct, frozen=True, kw_only=True):
    """One way out a channel; None keeps its messages in the outbox."""

    mail: Sender | None = None
    text: Sender | None = None

    def of(self, channel: Channel) -> Sender | None:
        return self.mail if channel == "mail" else self.text

    @property
    def channels(self) -> Collection[Channel]:
        """Those that lead out of the house."""
        channels: tuple[Channel, ...] = ("mail", "text")
        return [each for each in channels if self.of(each) is not None]


def configured_senders(config: Config) -> Senders:
    """Read `MILLPOND_SMTP_URL` and its like. MailMisconfiguredError names what is wrong."""
    if config.smtp_url and config.mail_command:
        raise MailMisconfiguredError("Give MILLPOND_SMTP_URL or MILLPOND_MAIL_COMMAND, not both.")
    if config.text_command and config.text_webhook:
        raise MailMisconfiguredError("Give MILLPOND_TEXT_COMMAND or MILLPOND_TEXT_WEBHOOK, not both.")
    mail: Sender | None = None
    if config.smtp_url:
        mail = SmtpSender(smtp_server(config.smtp_url), sender=config.mail_from)
    elif config.mail_command:
        mail = MailCommand(config.mail_command, sender=config.mail_from)
    text: Sender | None = None
    if config.text_command:
        text = TextCommand(config.text_command)
    elif config.text_webhook:
        text = TextWebhook(config.text_webhook)
    return Senders(mail=mail, text=text)
