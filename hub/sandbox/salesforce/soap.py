"""POST /services/Soap/u/{version}: login (until v64.0) and merge, the calls that clients need.

`u` is the partner WSDL, `c` the enterprise WSDL. Their logins differ in the namespace only. Tags of
answers have no prefix, faults have the prefix `sf:`: clients look for exactly these.
"""

import re
from collections.abc import Callable, Sequence
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from hub.sandbox.salesforce import writes
from hub.sandbox.salesforce.errors import ApiError
from hub.sandbox.salesforce.oauth import is_password
from hub.sandbox.salesforce.org import ORG_ID, Org
from hub.sandbox.salesforce.wire import OLDEST, base_url, org_of

LAST_WITH_LOGIN = 64
_VERSION = re.compile(r"(\d+)\.0")
_TYPE_ATTRIBUTES = {"type", "Id", "id"}
_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope'
    ' xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
    '{namespaces} xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
    "<soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>"
)
_NAMESPACES = {
    "u": ' xmlns="urn:partner.soap.sforce.com"',
    "c": ' xmlns="urn:enterprise.soap.sforce.com"',
}
_FAULTS = ' xmlns:sf="urn:fault.partner.soap.sforce.com"'


async def soap(request: Request) -> Response:
    """Answer a login or merge call."""
    org = org_of(request)
    if request.path_params["wsdl"] not in _NAMESPACES:
        raise HTTPException(404)
    try:
        version = _version(request)
        call = _read_call(await request.body())
        body = _CALLS.get(_local(call[-1]), _unknown)(request, org, call, version)
    except ApiError as error:
        return _fault(error)
    namespace = _NAMESPACES[request.path_params["wsdl"]]
    text = _ENVELOPE.format(namespaces=namespace, body=body)
    return Response(text, media_type="text/xml;charset=UTF-8")


def _version(request: Request) -> int:
    match = _VERSION.fullmatch(request.path_params["version"])
    version = int(match.group(1)) if match else 0
    if version < OLDEST:
        message = f"Invalid Api version specified on URL: {request.path_params['version']}"
        raise ApiError(500, "UNSUPPORTED_API_VERSION", message)
    return version


def _read_call(body: bytes) -> Sequence[ET.Element]:
    """Return the header elements of the envelope, and the call as the last element."""
    if b"<!DOCTYPE" in body:
        raise ApiError(500, "MALFORMED_REQUEST", "DOCTYPE is not allowed")
    try:
        envelope = ET.fromstring(body)  # noqa: S314  # no DOCTYPE, and only loopback is served
    except ET.ParseError as error:
        raise ApiError(500, "MALFORMED_REQUEST", f"Unable to parse: {error}") from error
    parts = {_local(part): part for part in envelope}
    if "Body" not in parts or len(parts["Body"]) == 0:
        raise ApiError(500, "MALFORMED_REQUEST", "no SOAP body")
    return [*parts.get("Header", ()), parts["Body"][0]]


def _local(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _texts(element: ET.Element, name: str) -> list[str]:
    return [one.text or "" for one in element.iter() if _local(one) == name]


def _login(request: Request, org: Org, call: Sequence[ET.Element], version: int) -> str:
    if version > LAST_WITH_LOGIN:
        message = "SOAP login() is not available in API version 65.0 and later; use OAuth"
        raise ApiError(500, "INVALID_OPERATION", message)
    username, password = ("".join(_texts(call[-1], name)[:1]) for name in ("username", "password"))
    if not is_password(org.world.secrets, username, password):
        message = (
            "Invalid username, password, security token; or user locked out. Are you at a new"
            " location? When accessing Salesforce--either via a desktop client or the API--from"
            " outside of your company's trusted networks, you must add a security token to your"
            " password to log in."
        )
        raise ApiError(500, "INVALID_LOGIN", message)
    base, user_id = base_url(request), org.store.default_user_id()
    wsdl = request.path_params["wsdl"]
    server = f"{base}/services/Soap/{wsdl}/{version}.0/{ORG_ID[:15]}"
    user = {
        "organizationId": ORG_ID,
        "organizationName": "Sandbox",
        "sessionSecondsValid": "7200",
        "userEmail": username,
        "userFullName": username,
        "userId": user_id,
        "userName": username,
        "userTimeZone": "UTC",
        "userType": "Standard",
    }
    result = {
        "metadataServerUrl": server.replace(f"/{wsdl}/", "/m/"),
        "passwordExpired": "false",
        "sandbox": "false",
        "serverUrl": server,
        "sessionId": org.open_session(),
        "userId": user_id,
    }
    info = f"<userInfo>{_tags(user)}</userInfo>"
    return f"<loginResponse><result>{_tags(result)}{info}</result></loginResponse>"


def _merge(_request: Request, org: Org, call: Sequence[ET.Element], _version: int) -> str:
    session = [text for part in call[:-1] for text in _texts(part, "sessionId")]
    org.touch_session(session[0] if session else "")
    org.count_call()
    results = [_merge_one(org, one) for one in call[-1] if _local(one) == "request"]
    return f"<mergeResponse>{''.join(results)}</mergeResponse>"


def _merge_one(org: Org, request: ET.Element) -> str:
    master = next((one for one in request if _local(one) == "masterRecord"), None)
    if master is None:
        raise ApiError(500, "MISSING_ARGUMENT", "masterRecord is missing")
    given = {_local(one): one.text or "" for one in master}
    cleared = dict.fromkeys(_texts(master, "fieldsToNull"))
    kind = next(
        (value for key, value in master.attrib.items() if key.endswith("}type")), "sObject"
    ).rpartition(":")[2]
    losers = _texts(request, "recordToMergeIds")
    try:
        sobject = org.store.require(given.get("type", kind))
        values = {
            name: value
            for name, value in given.items()
            if name not in _TYPE_ATTRIBUTES and name != "fieldsToNull"
        }
        master_id = given.get("Id") or given.get("id") or ""
        row = writes.merge(org.store, sobject, master_id, losers, {**values, **cleared})
    except ApiError as error:
        fault = _tags({"message": error.message, "statusCode": error.code})
        return (
            f"<result><errors>{fault}</errors><id xsi:nil='true'/><success>false</success></result>"
        )
    merged = "".join(_tags({"mergedRecordIds": loser}) for loser in losers)
    return f"<result><id>{row.id}</id>{merged}<success>true</success></result>"


def _unknown(_request: Request, _org: Org, call: Sequence[ET.Element], _version: int) -> str:
    name = _local(call[-1])
    raise ApiError(500, "INVALID_OPERATION", f"operation not supported: {name}")


def _tags(values: dict[str, str]) -> str:
    return "".join(f"<{key}>{escape(value)}</{key}>" for key, value in values.items())


def _fault(error: ApiError) -> Response:
    message = f"{error.code}: {error.message}"
    detail = (
        f'<sf:LoginFault xsi:type="sf:LoginFault"><sf:exceptionCode>{error.code}'
        f"</sf:exceptionCode><sf:exceptionMessage>{escape(error.message)}</sf:exceptionMessage>"
        "</sf:LoginFault>"
    )
    body = (
        f"<soapenv:Fault><faultcode>sf:{error.code}</faultcode>"
        f"<faultstring>{escape(message)}</faultstring><detail>{detail}</detail></soapenv:Fault>"
    )
    text = _ENVELOPE.format(namespaces=_FAULTS, body=body)
    return Response(text, status_code=500, media_type="text/xml;charset=UTF-8")


_CALLS: dict[str, Callable[[Request, Org, Sequence[ET.Element], int], str]] = {
    "login": _login,
    "merge": _merge,
}
