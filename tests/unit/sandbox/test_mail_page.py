"""The page of the received mail: newest first, escaped, with links that can be opened."""

from hub.sandbox.mail_page import SHOWN, page


def test_the_page_shows_mail_escaped_with_its_links() -> None:
    mail = {
        "subject": "<b>Hi</b>", "to": ["a@b.example"], "received_at": "2026-11-30T12:00:00.5+00:00",
        "text": 'See http://127.0.0.1:8100/confirm/x.y?a=1&b=2 "now" <script>alert(1)</script>',
    }  # fmt: skip
    shown = page([mail | {"subject": "first"}, mail])
    assert shown.index("&lt;b&gt;Hi&lt;/b&gt;") < shown.index("first")
    link = "http://127.0.0.1:8100/confirm/x.y?a=1&amp;b=2"
    assert f'<a href="{link}">{link}</a> &quot;now&quot;' in shown
    assert "<script" not in shown
    assert "2026-11-30 12:00:00 UTC" in shown
    assert "No mail yet." in page([])
    assert page([mail] * (SHOWN + 2)).count("<article>") == SHOWN
