"""A query in a body: when it travels so, and what comes back of it."""

import json

import pytest
from simple_salesforce.exceptions import SalesforceGeneralError

from hub.connectors.salesforce.composite import MOST_ADDRESS, answer_of, needs_body, request_of
from hub.connectors.salesforce.errors import translate
from hub.errors import ConfigError, ProtocolError

PAGE = '{"totalSize":1,"done":true,"records":[{"Id":"1","Sum__c":1.50,"Odd__c":"\\ud800"}]}'


def whole(body: str, status: int = 200) -> bytes:
    one = f'{{"body":{body},"httpHeaders":{{}},"httpStatusCode":{status},"referenceId":"r"}}'
    return f'{{"compositeResponse":[{one}]}}'.encode()


def read(raw: bytes):
    return answer_of(json.loads(raw), raw)


@pytest.mark.parametrize("mark", [",", " ", "é"])
def test_the_length_is_that_of_the_encoded_address(mark):
    fits = next(n for n in range(MOST_ADDRESS) if needs_body(mark * (n + 1)))
    assert fits < MOST_ADDRESS
    url = request_of(mark * fits, deleted=True, version="64.0")["compositeRequest"][0]["url"]
    assert MOST_ADDRESS - 6 < len(url) <= MOST_ADDRESS
    assert url.isascii()


def test_the_page_comes_with_its_bytes():
    answer, raw = read(whole(PAGE))
    assert answer["totalSize"] == 1
    assert b"1.50" in raw
    assert json.loads(raw) == json.loads(PAGE)


def test_a_refusal_is_that_of_the_query():
    body = '[{"errorCode":"QUERY_TOO_COMPLICATED","message":"too many formulas"}]'
    with pytest.raises(SalesforceGeneralError) as caught:
        read(whole(body, 400))
    error = translate(caught.value, where="query")
    assert isinstance(error, ConfigError)
    assert "formula" in (error.hint or "")


@pytest.mark.parametrize(
    "raw",
    [b"{}", b"[]", b'{"compositeResponse":[]}', b'{"compositeResponse":[5]}', whole("[]")],
)
def test_another_shape_is_refused(raw):
    with pytest.raises(ProtocolError):
        read(raw)
