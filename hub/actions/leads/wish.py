"""What a conversion of leads is to make, and what it made."""

from collections.abc import Mapping
from dataclasses import field

from hub.actions.companies.choice import Choice
from hub.frozen import dataclass
from hub.model.records import JsonValue


@dataclass(frozen=True, slots=True)
class Wish:
    """What a conversion is to make.

    Args:
        currency: of the deal.
        owner: the owner of the new records, by e-mail, or a group whose next member it is; None:
            the lead's owner, else the actor.
        has_deal: whether a deal is made.
        deal_name: None: the company's name, else the person's.
        pipeline: None: the first in use.
        values: other fields of the deal, by name: value, close_date, …
        company: the company, or what to do if several match.
    """

    currency: str = "EUR"
    owner: str | None = None
    has_deal: bool = True
    deal_name: str | None = None
    pipeline: str | None = None
    values: Mapping[str, JsonValue] = field(default_factory=dict)
    company: Choice = field(default_factory=Choice)


@dataclass(frozen=True, slots=True)
class Converted:
    """What a lead became.

    Args:
        person_id: the contact; None of a lead that named a company and no person.
        is_new: False where the lead had been converted before.
        is_same_deal: the deal is one that an earlier conversion made, before the lead was reopened.
    """

    lead_id: int
    person_id: int | None
    company_id: int | None
    deal_id: int | None
    is_new: bool
    is_same_deal: bool = False
