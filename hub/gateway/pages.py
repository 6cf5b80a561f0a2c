"""The pages of the web form: plain HTML without scripts, every value escaped. Pure."""

from collections.abc import Mapping
from functools import lru_cache
from html import escape
from importlib import resources
from string import Template

import yaml

from hub.gateway.form import TRAP
from hub.model.confirm_links import LANGUAGES
from hub.settings import FormSettings

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self' https:; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
_KINDS = {
    "first_name": ("text", "given-name"), "last_name": ("text", "family-name"),
    "company": ("text", "organization"), "email": ("email", "email"), "phone": ("tel", "tel"),
}  # fmt: skip


@lru_cache
def words(language: str) -> Mapping[str, str]:
    """Return the words of a language."""
    text = (resources.files("hub.gateway") / "form_words.yaml").read_text(encoding="utf-8")
    found: Mapping[str, Mapping[str, str]] = yaml.safe_load(text)
    return found[language]


@lru_cache
def _page() -> Template:
    return Template((resources.files("hub.gateway") / "form.html").read_text(encoding="utf-8"))


def language_of(asked: str, accepted: str) -> str:
    """Return the language of a page: the one that the address asks for, else the browser's first known one."""
    said = [asked, *(part.partition(";")[0] for part in accepted.split(","))]
    known = (one.strip().lower()[:2] for one in said)
    return next((one for one in known if one in LANGUAGES), LANGUAGES[0])


def form_page(
    form: FormSettings, language: str, values: Mapping[str, str], complaint: str = ""
) -> str:
    """Return the form, with what was filled in before and what is wrong with it."""
    said = words(language)
    wrong = f'<p class="wrong" role="alert">{escape(said[complaint])}</p>\n' if complaint else ""
    one = {name: _input(name, said, values) for name in _KINDS}
    message = escape(values.get("message", ""))
    body = (
        f'{wrong}<form method="post" action="?lang={language}">\n'
        f'<div class="two">{one["first_name"]}{one["last_name"]}</div>\n{one["company"]}\n'
        f'<div class="two">{one["email"]}{one["phone"]}</div>\n'
        f"<label>{escape(said['message'])}"
        f'<textarea name="message" rows="5" maxlength="10000">{message}</textarea></label>\n'
        f'<label class="trap" aria-hidden="true">{escape(said["trap"])}'
        f'<input name="{TRAP}" tabindex="-1" autocomplete="off"></label>\n'
        f'<label class="box"><input type="checkbox" name="consent" value="yes">'
        f"<span>{escape(form.consent or said['consent'])}</span></label>\n"
        f"<button>{escape(said['send'])}</button>\n</form>"
    )
    return _whole(form.title or said["title"], language, body)


def thanks_page(language: str, *, is_asked: bool = False) -> str:
    """Return the page that follows a submission; `is_asked`: a mail asks for a confirmation."""
    said = words(language)
    more = f"\n<p>{escape(said['thanks_asked'])}</p>" if is_asked else ""
    return _whole(said["thanks_title"], language, f"<p>{escape(said['thanks'])}</p>{more}")


def confirm_page(language: str) -> str:
    """Return the page of a link, with the button that confirms."""
    said = words(language)
    body = (
        f"<p>{escape(said['confirm'])}</p>\n"
        f'<form method="post"><button>{escape(said["confirm_button"])}</button></form>'
    )
    return _whole(said["confirm_title"], language, body)


def said_page(language: str, word: str) -> str:
    """Return a page that says one thing; `word` names it."""
    said = words(language)
    return _whole(
        said.get(f"{word}_title", said["title"]), language, f"<p>{escape(said[word])}</p>"
    )


def _input(name: str, said: Mapping[str, str], values: Mapping[str, str]) -> str:
    kind, fill = _KINDS[name]
    value = escape(values.get(name, ""))
    return (
        f'<label>{escape(said[name])}<input type="{kind}" name="{name}" value="{value}" '
        f'maxlength="200" autocomplete="{fill}"></label>'
    )


def _whole(title: str, language: str, body: str) -> str:
    return _page().substitute(title=escape(title), language=language, body=body)
