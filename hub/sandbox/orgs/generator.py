"""Generate the org that a migration is tried with: one number scales it, a seed decides it.

With 10,000 leads it has what a migration has to bear: 800 converted leads, 4,000 accounts with parents
on three levels and a circle, 12,000 contacts with person accounts, 5,000 deals in two currencies with
roles and history, 60,000 tasks and meetings (the old ones archived), three owners who left, a queue,
one duplicate in twenty, 200 bad e-mail addresses, 50 dates that may be read in two orders, and names
with emoji, Arabic and Breton ones. `planted` lists the difficulties, with the id of each record.

Not here: the format (`hub.sandbox.universe`), how much there is of each object (`sizes.py`).
"""

from datetime import datetime
from typing import Any

from hub.sandbox.generator import FIXED_NOW
from hub.sandbox.orgs.activities import Activities
from hub.sandbox.orgs.beside import add_beside
from hub.sandbox.orgs.deals import Deals
from hub.sandbox.orgs.draft import SOURCE, Draft
from hub.sandbox.orgs.people import FIELDS, People
from hub.sandbox.orgs.sizes import Sizes

_FEWEST = 20


def generate_org(seed: int, leads: int, *, now: datetime = FIXED_NOW) -> dict[str, Any]:
    """Return the universe of an org with that many leads; at least twenty are made.

    The same seed and number give the same org, except for the times, which count back from `now`.
    """
    draft = Draft(seed, Sizes(max(leads, _FEWEST)), now.replace(microsecond=0))
    people = People(draft)
    deals = Deals(draft, people)
    Activities(draft, people, deals)
    add_beside(draft, people)
    return {
        "version": 1,
        "seed": seed,
        "users": draft.users,
        "companies": [
            {"id": one.id, "name": one.name, "domain": one.domain} for one in people.companies
        ],
        "people": [{"id": one.id} for one in people.persons],
        "fields": [{"source": SOURCE, **one} for one in FIELDS],
        "records": draft.records,
        "events": [],
        "planted": draft.planted,
    }
