"""The pages of the web form: plain HTML without scripts, every value escaped. Pure."""

from collections.abc import Mapping
from functools import lru_cache
from html import escape
from importlib import resources
from string import Template

import yaml

from hub.gateway.form import TRAP, Submission
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

_WRONG = {"needs_address": ("email", "phone"), "wrong_email": ("email",)}
"""The fields that a complaint is about; the first one has the focus."""
EMPTY = Submission({}, consent=False, is_trapped=False)
"""A form that was not filled in."""


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


def form_page(form: FormSettings, language: str, said: Submission, complaint: str = "") -> str:
    """Return the form, with what was filled in before and what is wrong with it."""
    use = words(language)
    title = form.title or use["title"]
    wrong = (
        f'<p class="wrong" role="alert" id="wrong">{escape(use[complaint])}</p>\n'
        if complaint
        else ""
    )
    one = {name: _input(name, use, said.values, complaint) for name in _KINDS}
    message = escape(said.values.get("message", ""))
    ticked = " checked" if said.consent else ""
    body = (
        f'{wrong}<form method="post" action="?lang={language}">\n'
        f'<div class="two">{one["first_name"]}{one["last_name"]}</div>\n{one["company"]}\n'
        f'<div class="two">{one["email"]}{one["phone"]}</div>\n'
        f"<label>{escape(use['message'])}"
        f'<textarea name="message" rows="5" maxlength="10000">{message}</textarea></label>\n'
        f'<label class="trap" aria-hidden="true">{escape(use["trap"])}'
        f'<input name="{TRAP}" tabindex="-1" autocomplete="off"></label>\n'
        f'<label class="box"><input type="checkbox" name="consent" value="yes"{ticked}>'
        f"<span>{escape(form.consent or use['consent'])}</span></label>\n"
        f"<button>{escape(use['send'])}</button>\n</form>\n{_other_languages(language)}"
    )
    head = f"{use['wrong']}: {title}" if complaint else title
    return _whole(title, language, body, head)


def _other_languages(language: str) -> str:
    links = (
        f'<a href="?lang={one}" hreflang="{one}" lang="{one}">{escape(words(one)["language"])}</a>'
        for one in LANGUAGES
        if one != language
    )
    return f'<p class="languages">{" ".join(links)}</p>'


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


def _input(name: str, use: Mapping[str, str], values: Mapping[str, str], complaint: str) -> str:
    kind, fill = _KINDS[name]
    value = escape(values.get(name, ""))
    wrong = _WRONG.get(complaint, ())
    marks = ' aria-invalid="true" aria-describedby="wrong"' if name in wrong else ""
    marks += " autofocus" if name in wrong[:1] else ""
    return (
        f'<label>{escape(use[name])}<input type="{kind}" name="{name}" value="{value}" '
        f'maxlength="200" autocomplete="{fill}"{marks}></label>'
    )


def _whole(title: str, language: str, body: str, head: str = "") -> str:
    return _page().substitute(
        title=escape(title), head=escape(head or title), language=language, body=body
    )
