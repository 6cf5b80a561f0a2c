"""The mail that asks a person to confirm a consent: its words, as text and as HTML. Pure.

In: the wording that the person ticked, and the link. No value that was typed into the form is in the mail, so a
stranger cannot have the hub send words of the stranger's own.
"""

from collections.abc import Mapping
from functools import lru_cache
from html import escape
from importlib import resources

import yaml

from hub.model.confirm_links import LANGUAGES
from hub.notify.channels import CORRELATION, Mail


@lru_cache
def _words(language: str) -> Mapping[str, str]:
    text = (resources.files("hub.notify") / "confirmation.yaml").read_text(encoding="utf-8")
    found: Mapping[str, Mapping[str, str]] = yaml.safe_load(text)
    return found[language if language in LANGUAGES else LANGUAGES[0]]


def confirmation_mail(
    event: str,
    message_id: str,
    to: str,
    *,
    language: str,
    wording: str,
    link: str,
    days: int,
    correlation_id: str,
) -> Mail:
    """Return the mail.

    Args:
        event: the word of the outbox for it.
        message_id: of the mail.
        to: the address.
        language: of the form.
        wording: the sentence beside the box; "" if it is not known.
        link: the whole address.
        days: how long the link works.
        correlation_id: the request that ticked the box.
    """
    said = _words(language)
    until = said["until"].format(days=days)
    quoted = f"\n    {' '.join(wording.split())}\n" if wording else ""
    text = f"{said['asked']}\n{quoted}\n{said['follow']}\n\n{link}\n\n{until} {said['otherwise']}\n"
    return Mail(
        message_id, to, said["subject"], text, {"X-Hub-Event": event, CORRELATION: correlation_id},
        html=_html(said, language, wording, link, until),
    )  # fmt: skip


def _html(said: Mapping[str, str], language: str, wording: str, link: str, until: str) -> str:
    quote = (
        f'<blockquote style="margin:1em 0;padding:.4em 1em;border-left:4px solid #8a8f98">'
        f"{escape(wording)}</blockquote>"
        if wording
        else ""
    )
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        f"<title>{escape(said['subject'])}</title></head>"
        '<body style="font:16px/1.5 sans-serif;max-width:34em;margin:0 auto;padding:1em">'
        f"<p>{escape(said['asked'])}</p>{quote}<p>{escape(said['follow'])}</p>"
        f'<p><a href="{escape(link)}" style="display:inline-block;padding:.6em 1.4em;'
        'border-radius:.4em;background:#1f5fbf;color:#ffffff;text-decoration:none;font-weight:600">'
        f"{escape(said['button'])}</a></p>"
        f'<p style="font-size:.9em">{escape(until)} {escape(said["otherwise"])}</p>'
        f'<p style="font-size:.9em;word-break:break-all">{escape(link)}</p></body></html>\n'
    )
