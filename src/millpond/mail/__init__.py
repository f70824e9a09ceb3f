"""Mail and text messages: an outbox that is written with what causes it, and a keeper that delivers what lies in it.

Whoever has something to say calls `queue` inside a transaction and wakes `CONTROLLER` with the key it returns. How it
travels is the operator's choice (`senders`); without a sender it stays in the outbox, which only the operator reads.
"""

from millpond.mail.addresses import is_mail_address, is_phone_number
from millpond.mail.controller import CONTROLLER, MailController
from millpond.mail.outbox import Opened, opened, queue
from millpond.mail.records import Channel, Letter
from millpond.mail.senders import Senders, configured_senders
from millpond.mail.spec import MailMisconfiguredError, NotSentError, Sender

__all__ = [
    "CONTROLLER",
    "Channel",
    "Letter",
    "MailController",
    "MailMisconfiguredError",
    "NotSentError",
    "Opened",
    "Sender",
    "Senders",
    "configured_senders",
    "is_mail_address",
    "is_phone_number",
    "opened",
    "queue",
]
