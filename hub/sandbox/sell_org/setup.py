"""What an account of Zendesk Sell is set up with: pipelines, stages, reasons, sources, custom fields, tags."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from hub.sandbox.sell.account import LEAD_STATUSES, NAMES, stages_of
from hub.sandbox.sell_org.draft import DAYS, Record, SellDraft

PIPELINES = ("Sales pipeline", "Renewals", "Partenaires 🤝")
TAGS = ("web", "Salon 2025", "VIP", "énergie", "newsletter, monthly")
TYPES = (
    "number", "string", "text", "bool", "date", "datetime", "email", "phone", "url", "address",
    "list", "multi_select_list",
)  # fmt: skip
_CHOICES = ("Gold", "Silver", "Bronze, with comma")
_OWNERS = ("lead", "contact", "deal")


class Setup:
    """The setup of an account: ids of its stages, reasons and sources by stream."""

    def __init__(self, draft: SellDraft) -> None:
        self.draft = draft
        self.at = draft.now - timedelta(days=DAYS)
        self.ids: dict[str, list[int]] = {}
        for stream, names in NAMES.items():
            self._add(stream, [{"name": name, "creator_id": draft.owner()} for name in names])
        self._add("lead_statuses", [{"name": name} for name in LEAD_STATUSES])
        self.pipelines = self._add(
            "pipelines",
            [
                {"name": name, "disabled": n == len(PIPELINES) - 1}
                for n, name in enumerate(PIPELINES)
            ],
        )
        self.stages: dict[int, list[Record]] = {}
        for pipeline in self.pipelines:
            id_ = int(pipeline["id"])
            self.stages[id_] = self._add("stages", stages_of(id_))
        for owner in _OWNERS:
            for name in TAGS:
                tag = {"name": name, "resource_type": owner, "creator_id": draft.owner()}
                self._add("tags", [tag])
        self._add("custom_fields", [_field(owner, type_) for owner in _OWNERS for type_ in TYPES])
        self._add("custom_fields", [_field("prospect_and_customer", "string")])

    def _add(self, stream: str, every: list[Record]) -> list[Record]:
        made = [self.draft.add(stream, self.at, values) for values in every]
        self.ids.setdefault(stream, []).extend(int(one["id"]) for one in made)
        return made

    def one_of(self, stream: str) -> int:
        """Return the id of any record of the setup."""
        return self.draft.rng.choice(self.ids[stream])

    def tags(self) -> list[str]:
        """Return the tags of one record: none, one or two."""
        return self.draft.rng.sample(TAGS, self.draft.rng.choice((0, 0, 1, 2)))

    def own_values(self, owner: str) -> Mapping[str, Any]:
        """Return values of some custom fields of an object, each type as the API writes it."""
        rng = self.draft.rng
        chosen = rng.sample(TYPES, rng.choice((0, 1, 3, len(TYPES))))
        return {name_of(owner, type_): self._value(type_) for type_ in TYPES if type_ in chosen}

    def _value(self, type_: str) -> Any:
        rng = self.draft.rng
        day = f"{rng.randrange(2024, 2028)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}"
        choices = [{"id": n, "name": name} for n, name in enumerate(_CHOICES, start=1)]
        values: Mapping[str, Any] = {
            "number": f"{rng.randrange(1, 90_000)}.5",
            "string": rng.choice(("A-12", "née Ünal", "0042")),
            "text": "First line\nsecond line, with comma",
            "bool": True,
            "date": day,
            "datetime": f"{day}T09:30:00Z",
            "email": "other@mail.example",
            "phone": "+33 1 99 00 12 34",
            "url": "https://www.example.com/a?b=c",
            "address": {"line1": "1 quai du Port", "city": "Brest", "postal_code": "29200",
                        "state": None, "country": "France"},
            "list": rng.choice(choices),
            "multi_select_list": rng.sample(choices, 2),
        }  # fmt: skip
        return values[type_]


def name_of(owner: str, type_: str) -> str:
    """Return the name of the custom field of that type at an object."""
    return f"{owner.title()} {type_.replace('_', ' ')}"


def _field(owner: str, type_: str) -> Record:
    has_choices = type_ in {"list", "multi_select_list"}
    return {
        "resource_type": owner,
        "name": name_of(owner.replace("_", " "), type_),
        "type": type_,
        "for_organisation": owner in {"contact", "prospect_and_customer"},
        "for_contact": owner in {"contact", "prospect_and_customer"},
        "choices": [{"id": n, "name": name} for n, name in enumerate(_CHOICES, start=1)]
        if has_choices
        else [],
        "filterable": type_ in {"string", "number"},
    }
