"""An address that an answer names leads nowhere but to the source's own host."""

from urllib.parse import urlsplit

import pytest
import requests

from hub.connectors.addresses import check_reach, local_path, only, site
from hub.connectors.salesforce.instances import check_login, instances
from hub.errors import ProtocolError

HOME = "https://acme.my.salesforce.com"
PATH = "/services/data/v64.0/query/01gxx0000000001AAA-2000"
EVIL = [
    "@evil.example/x",
    ".evil.example/x",
    ":8443/x",
    "//evil.example/x",
    "/\\evil.example/x",
    "\\\\evil.example/x",
    "https://evil.example/x",
    "http://acme.my.salesforce.com/x",
    "https://acme.my.salesforce.com:8443/x",
    "https://acme.my.salesforce.com@evil.example/x",
    "https://acme.my.salesforce.com.evil.example/x",
    "https://evil.example\\@acme.my.salesforce.com/x",
    "https://evil.example#@acme.my.salesforce.com/x",
    "https://acme.my.salesforce.com:99999/x",
    "https://[evil/x",
    "/x\r\nHost: evil.example",
    "/x y",
    "/a/../../b",
    "javascript:alert(1)",
    "evil.example",
    "",
    17,
    None,
    ["/x"],
    {"href": "/x"},
]


@pytest.mark.parametrize("address", EVIL, ids=repr)
def test_another_host_is_refused(address):
    with pytest.raises(ProtocolError, match="not this source's"):
        local_path(address, base_url=HOME, where="Salesforce query: nextRecordsUrl")


@pytest.mark.parametrize("address", [PATH, HOME + PATH, f"{HOME}:443{PATH}", PATH + "?a=b&c=%20"])
def test_an_address_of_our_host_becomes_a_path(address):
    found = local_path(address, base_url=f"{HOME}/services/data", where="here")
    assert found == PATH + ("?a=b&c=%20" if "?" in address else "")


def test_no_more_than_the_domain_is_said():
    assert site("https://00dxx-token.people.evil.example/x?mail=a@b.example") == "evil.example"
    assert site("https://127.0.0.1/x") == site(None) == site("/x") == ""


def test_one_scheme_host_and_port_is_reached():
    reach = only("https://api.typeform.com/")
    check_reach("https://api.typeform.com/forms", reach)
    check_reach("https://api.typeform.com:443/forms", reach)
    for url in ("http://api.typeform.com/", "https://api.typeform.com:444/", *EVIL[:12]):
        with pytest.raises(ProtocolError, match=r"^api\.typeform\.com: "):
            check_reach(str(url), reach)


OURS = [
    "https://acme.my.salesforce.com",
    "https://acme--dev.sandbox.my.salesforce.com",
    "https://acme-dev-ed.develop.my.salesforce.com/",
    "https://na139.salesforce.com",
    "https://acme.cloudforce.com",
    "https://acme.my.salesforce.mil",
    "https://acme.my.sfcrmproducts.cn",
    "https://ACME.my.salesforce.com:443",
]
NOT_OURS = [
    "https://evil.example",
    "https://salesforce.com.evil.example",
    "https://evilsalesforce.com",
    "https://salesforce.com",
    "https://acme.my.site.com",
    "http://acme.my.salesforce.com",
    "https://acme.my.salesforce.com:8443",
    "https://acme.my.salesforce.com/path",
    "https://acme.my.salesforce.com?x",
    "https://acme.my.salesforce.com@evil.example",
    "https://evil.example/.my.salesforce.com",
    "https://evil.example\\.my.salesforce.com",
    "https://-.salesforce.com",
    "https://127.0.0.1:8080",
    "https://localhost",
    "https://169.254.169.254",
    "https://аcme.my.salesforce.com",  # a Cyrillic letter, on purpose
    "acme.my.salesforce.com",
    "",
    None,
    3,
]
TOKEN = "00Dxx0000001gPL!AR8AQP0jITN80ESEsj5EbaZTFG0R"


def login(body):
    response = requests.Response()
    response.status_code = 200
    response._content = (
        body if isinstance(body, bytes) else requests.compat.json.dumps(body).encode()
    )
    return response


@pytest.mark.parametrize("address", OURS)
def test_each_host_of_salesforce_may_be_the_instance(address):
    said = login({"access_token": TOKEN, "instance_url": address})
    check_login(said, instances(), is_soap=False)
    assert instances().allows(urlsplit(address))


@pytest.mark.parametrize("address", NOT_OURS, ids=repr)
def test_any_other_host_may_not(address):
    said = login({"access_token": TOKEN, "instance_url": address})
    with pytest.raises(ProtocolError, match="instance_url") as caught:
        check_login(said, instances(), is_soap=False)
    assert TOKEN not in str(caught.value)


def soap(server, session=TOKEN, head=""):
    tags = f"<serverUrl>{server}</serverUrl><sessionId>{session}</sessionId>"
    return login(f"{head}<Envelope><result>{tags}</result></Envelope>".encode())


def test_the_older_login_names_a_server():
    for address in OURS:
        path = "/services/Soap/u/64.0/00Dxx0000001gPL"
        check_login(soap(address.rstrip("/") + path), instances(), is_soap=True)
    for address in NOT_OURS[:6]:
        with pytest.raises(ProtocolError, match="serverUrl"):
            check_login(soap(address), instances(), is_soap=True)


def test_a_dtd_is_refused():
    head = '<!DOCTYPE a [<!ENTITY b "bbbb">]>'
    with pytest.raises(ProtocolError, match="DTD"):
        check_login(soap(OURS[0], head=head), instances(), is_soap=True)


@pytest.mark.parametrize(
    "token", ["a b", "a\r\nHost: evil.example", "", None, ["t"], "ä", "x" * 9999]
)
def test_a_token_that_is_none_is_not_repeated(token):
    said = login({"access_token": token, "instance_url": OURS[0]})
    with pytest.raises(ProtocolError, match="no usable token") as caught:
        check_login(said, instances(), is_soap=False)
    assert not token or str(token) not in str(caught.value)


def test_an_emulator_on_loopback_names_itself():
    reach = instances("http://127.0.0.1:8080")
    for address in ("http://127.0.0.1:8080", "http://localhost:9", "http://acme.my.salesforce.com"):
        assert reach.allows(urlsplit(address))
    assert not reach.allows(urlsplit("https://evil.example"))
