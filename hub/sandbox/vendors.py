"""Which vendors are emulated: one entry each, made in the vendor's own package.

Not here: starting them (`server.py`), what breaks (`fault_middleware.py`).
"""

from hub.sandbox.hubspot.vendor import HUBSPOT
from hub.sandbox.mailchimp.vendor import MAILCHIMP
from hub.sandbox.salesforce.vendor import SALESFORCE
from hub.sandbox.typeform.vendor import TYPEFORM
from hub.sandbox.vendor import Vendor
from hub.sandbox.zendesk.vendor import ZENDESK

VENDORS: tuple[Vendor, ...] = (SALESFORCE, HUBSPOT, MAILCHIMP, TYPEFORM, ZENDESK)
