"""Configuration: one hub.yaml, overridden by HUB_…__… variables; secrets only from the environment.

`load` is called by entry points alone (cli, assets); below, values are plain arguments. A mistake
is a ConfigError that names file, line and the nearest key.
"""

from hub.settings.blocks import (
    ADMINS,
    AlertSettings,
    AwaySettings,
    CompanySettings,
    CrmSettings,
    DagsterSettings,
    GroupSettings,
    MatchingSettings,
    MemberSettings,
    NotifyChoice,
    PersonSettings,
    QuietSettings,
    RoutingSettings,
    RuleSettings,
    Settings,
    SmtpSettings,
)
from hub.settings.gateway import (
    FormSettings,
    GatewaySettings,
    HookSettings,
    SubscriptionSettings,
)
from hub.settings.loading import find, load, secret_variable
from hub.settings.sources import (
    Block,
    HubspotSettings,
    MailchimpSettings,
    SalesforceSettings,
    SellSettings,
    SourceSettings,
    TypeformSettings,
    ZendeskSettings,
    block_of,
)

__all__ = [
    "ADMINS",
    "AlertSettings",
    "AwaySettings",
    "Block",
    "CompanySettings",
    "CrmSettings",
    "DagsterSettings",
    "FormSettings",
    "GatewaySettings",
    "GroupSettings",
    "HookSettings",
    "HubspotSettings",
    "MailchimpSettings",
    "MatchingSettings",
    "MemberSettings",
    "NotifyChoice",
    "PersonSettings",
    "QuietSettings",
    "RoutingSettings",
    "RuleSettings",
    "SalesforceSettings",
    "SellSettings",
    "Settings",
    "SmtpSettings",
    "SourceSettings",
    "SubscriptionSettings",
    "TypeformSettings",
    "ZendeskSettings",
    "block_of",
    "find",
    "load",
    "secret_variable",
]
