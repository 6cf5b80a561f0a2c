"""What a list without rows says: why it is empty, or the command that fills it; by the table's title."""

from collections.abc import Mapping

WORDS: Mapping[str, str] = {
    "Activities": "none yet; `hub note add lead/12 WORDS` writes a note",
    "Alerts": "none",
    "Batches": "none yet; `hub sync` reads the sources",
    "Custom fields": "none yet; `hub field add lead NAME TYPE` defines one",
    "Deals": "none found; `hub deal add NAME --contact contact/12` adds one",
    "Groups": "none yet; `hub group add NAME` makes one",
    "Leads": "none found; `hub lead add --last-name NAME` adds one, `hub sync` reads the sources",
    "Contacts": "none found; `hub contact add --last-name NAME` adds one",
    "Companies": "none found; `hub company add NAME` adds one",
    "Links": "none yet; `hub link add lead NAME ADDRESS` adds one",
    "Lists": "none yet; `hub list add NAME --where CONDITION` saves one",
    "Outcomes": "none yet; `hub outcome add call NAME` adds one",
    "Quarantine": "none; every value was accepted",
    "Reasons": "none yet; `hub lead reasons --add NAME` adds one",
    "Review": "none; no question is open",
    "Sources": "none yet; `hub init` writes them into hub.yaml",
    "Streams (cursor in UTC, as the source counts time)": "none read yet; `hub sync` reads them",
    "Tasks": "none; `hub task add WHAT --on lead/12` adds a task",
    "Tickets": "none; `hub sync` reads tickets from the support system",
    "Users": "none yet; `hub user add EMAIL NAME` adds one",
}
