"""The list of the emulated vendors. Each vendor's package makes its own entry.

Not here: how they are started (`server.py`), faults (`fault_middleware.py`).
"""

from hub.sandbox.hubspot.vendor import HUBSPOT
from hub.sandbox.mailchimp.vendor import MAILCHIMP
from hub.sandbox.salesforce.vendor import SALESFORCE
from hub.sandbox.sell.vendor import SELL
from hub.sandbox.typeform.vendor import TYPEFORM
from hub.sandbox.vendor import Vendor
from hub.sandbox.zendesk.vendor import ZENDESK

VENDORS: tuple[Vendor, ...] = (SALESFORCE, HUBSPOT, MAILCHIMP, TYPEFORM, ZENDESK, SELL)
