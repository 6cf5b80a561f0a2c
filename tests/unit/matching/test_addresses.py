"""Two spellings of one e-mail address have a key in common."""

import pytest

from hub.matching import normal
from hub.matching.keys import keys, view
from hub.model.verdicts import Trust


@pytest.mark.parametrize(
    "typed",
    ["jo@MÜNCHEN.de", "jo@xn--mnchen-3ya.de", "mailto:Jo@münchen.de", "Jo <jo@münchen.de>", "jo+news@münchen.de."],
)  # fmt: skip
def test_one_mailbox_however_it_is_written(typed):
    box = normal.mailbox(typed)
    assert box is not None
    assert (box.address, box.domain) == ("jo@xn--mnchen-3ya.de", "xn--mnchen-3ya.de")


def test_an_international_domain_and_its_punycode_share_their_keys():
    one, two = (
        view(nth, f"s/{nth}", Trust.TRUSTED, {"email": mail})
        for nth, mail in enumerate(["jo@münchen.de", "jo@xn--mnchen-3ya.de"])
    )
    assert keys(one) == keys(two)
    assert ("email", "jo@xn--mnchen-3ya.de") in keys(one)


def test_a_company_is_told_by_its_international_domain():
    assert normal.stem("xn--mnchen-3ya.de") == normal.stem("münchen.de") == "munchen"


@pytest.mark.parametrize("typed", ["test@test.com", "noemail@acme.fr", "nobody", ""])
def test_an_address_that_nobody_reads_proves_nothing(typed):
    assert normal.mailbox(typed) is None


def test_a_second_number_of_a_field_is_a_number_of_the_person():
    one = view(1, "s/1", Trust.TRUSTED, {"custom_fields": {"other_phones": ["+33639980001"]}})
    assert ("phone", "639980001") in keys(one)
