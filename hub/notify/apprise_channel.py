"""Messages through Apprise: Slack, Teams, ntfy, Telegram, SMS services and a hundred others.

In: a mail whose receiver is the name of a target. Out: it was taken, or an error that says what to do next. The
library is an extra (`pip install 'lead-hub[apprise]'`) and is loaded when the first message is sent. An
address of a target holds its credentials and is in no message and no log.
https://github.com/caronc/apprise/wiki
"""

from collections.abc import Mapping

from pydantic import SecretStr

from hub.errors import RecordError, TransientError
from hub.notify.channels import Mail

_LONGEST = 2000


class AppriseChannel:
    """See `hub.notify.channels.Channel`; a target is one address, so a message is taken once or not at all.

    Args:
        targets: name → address, as Apprise writes them.
    """

    def __init__(self, targets: Mapping[str, SecretStr]) -> None:
        self._targets = targets

    def send(self, mail: Mail) -> None:
        """Hand over one message.

        Raises:
            TransientError: the service did not take it, the target is not set, or Apprise is not installed.
            RecordError: the address is none that Apprise knows.
        """
        address = self._targets.get(mail.to)
        if address is None:
            raise TransientError(
                f"there is no Apprise target {mail.to!r}: set HUB_APPRISE__{mail.to.upper()}"
            )
        try:
            import apprise  # noqa: PLC0415  # an extra
        except ImportError as exc:
            raise TransientError(
                "Apprise is not installed: pip install 'lead-hub[apprise]'"
            ) from exc
        sender = apprise.Apprise()
        if not sender.add(address.get_secret_value()):
            raise RecordError(f"the address of the Apprise target {mail.to!r} is none of Apprise's")
        text = mail.text if len(mail.text) <= _LONGEST else mail.text[: _LONGEST - 1] + "…"
        if not sender.notify(title=mail.subject, body=text, body_format="text"):
            raise TransientError(f"the Apprise target {mail.to!r} did not take the message")
