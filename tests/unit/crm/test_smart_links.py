"""A link's scheme and host are its template's own, whatever the values are."""

from decimal import Decimal
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.crm.smart_links import LinkError, fields_in, fill

TEMPLATES = [
    "https://billing.example.com/customers/{email}?name={name}&q={q}#{email}",
    "http://10.0.0.1:8080/{name}/{email}",
    "https://x.example.com/a{name}b/{q}{email}",
    "https://x.example.com/?{name}={q}{email}",
]
HOSTILE = ["..", ".", "../..", "//evil.example.com", "@evil.example.com", "\\evil", "javascript:alert(1)",
           "#", "?a=b&c=d", "%2e%2e", "é ü", "\r\nX: y", "a/b", "{email}", ""]  # fmt: skip


def test_values_are_percent_encoded() -> None:
    made = fill(
        "https://b.example.com/c/{name}?m={email}", {"name": "A/B c?", "email": "é@x&y=z"}.get
    )
    assert made == "https://b.example.com/c/A%2FB%20c%3F?m=%C3%A9%40x%26y%3Dz"


@pytest.mark.parametrize(
    ("value", "words"),
    [(None, ""), (True, "true"), (Decimal("1E+3"), "1000"), (["a", "b c"], "a,b c"),
     ({"city": "Lyon", "country": "FR"}, "Lyon FR"), (12, "12")],
)  # fmt: skip
def test_values_of_every_kind_are_text(value: object, words: str) -> None:
    assert unquote(fill("https://b.example.com/?{x}", lambda _: value).partition("?")[2]) == words


def test_fields_are_named_once() -> None:
    assert fields_in(TEMPLATES[0]) == ["email", "name", "q"]


@pytest.mark.parametrize(
    "template",
    ["", "{email}", "javascript:alert({email})", "ftp://x.example.com/{a}", "//x.example.com/{a}",
     "https://{email}/", "https://{email}.example.com/", "https://x.example.com{email}",
     "https://x.example.com:{email}/", "https://user@x.example.com/{a}", "{a}://x.example.com/",
     "https://x.example.com/{a", "https://x.example.com/a}", "https://x.example.com/{{a}}",
     "https://x.example.com/ {a}", "https://x.example.com\\@evil.example.com/{a}",
     "https://x.example.com/\n{a}", "https:///{a}", "https://x.example.com/" + "a" * 2000],
)  # fmt: skip
def test_what_is_no_template_is_refused(template: str) -> None:
    with pytest.raises(LinkError):
        fields_in(template)
    with pytest.raises(LinkError):
        fill(template, lambda _: "x")


@settings(max_examples=500, deadline=None)
@given(
    st.sampled_from(TEMPLATES),
    st.fixed_dictionaries(
        dict.fromkeys(("email", "name", "q"), st.text(max_size=30) | st.sampled_from(HOSTILE))
    ),
)
def test_no_value_changes_scheme_host_or_the_number_of_parts(
    template: str, values: dict[str, str]
) -> None:
    try:
        made = urlsplit(fill(template, values.get))
    except LinkError:
        assert set(values.values()) & {"..", "."} or "" in values.values()
        return
    own = urlsplit(template)
    assert (made.scheme, made.netloc) == (own.scheme, own.netloc)
    assert made.path.count("/") == own.path.count("/")
    assert not {".", ".."} & set(made.path.split("/"))
    assert bool(made.fragment) <= bool(own.fragment)
    assert all(33 <= ord(c) < 127 for c in made.geturl())
    if own.fragment:
        said = values["name"].encode("utf-8", "replace").decode()
        assert parse_qs(made.query, keep_blank_values=True)["name"] == [said]
