"""Tasks, notes, calls, visits, text messages, documents, collaborations and sequences of an account."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from hub.sandbox.corruption import text
from hub.sandbox.sell_org.draft import Record, SellDraft
from hub.sandbox.sell_org.people import SellPeople
from hub.sandbox.sell_org.setup import Setup

_SUBJECTS = ("Call back", "Send the offer", "Rappeler la cliente", "📞 relance")
_FILES = (
    ("offer.pdf", "application/pdf"),
    ("plan d'accès.png", "image/png"),
    ("notes.txt", "text/plain"),
)
_SHARES = {"tasks": 40, "notes": 35, "calls": 18, "visits": 3, "text_messages": 4}


class SellActivities:
    """Adds what was done with the people and deals of an account."""

    def __init__(
        self, draft: SellDraft, setup: Setup, people: SellPeople, deals: Sequence[Record]
    ) -> None:
        self.draft, self.setup, self.rng, self.deals = draft, setup, draft.rng, deals
        leads = [one for one in people.leads if not one["deleted"]]
        self._about_ids = {
            "lead": [int(one["id"]) for one in leads],
            "contact": [int(one["id"]) for one in (*people.contacts, *people.organizations)],
            "deal": [int(one["id"]) for one in deals],
        }
        makers = {
            "tasks": self._task, "notes": self._note, "calls": self._call,
            "visits": self._visit, "text_messages": self._message,
        }  # fmt: skip
        total = draft.sizes.tasks + draft.sizes.events
        for stream, share in _SHARES.items():
            for at in draft.times(max(2, total * share // 100)):
                values = makers[stream](at)
                record = draft.add(stream, at, values)
                if values.get("completed_at"):
                    record["modified_at"] = values["completed_at"]
        self._add_files()
        self._add_collaborations()
        self._add_sequences()

    def _about(self, *kinds: str) -> Record:
        kind = self.rng.choice(kinds or ("lead", "contact", "deal"))
        return {"resource_type": kind, "resource_id": self.rng.choice(self._about_ids[kind])}

    def _task(self, at: datetime) -> Record:
        due = at + timedelta(days=self.rng.randrange(30))
        is_done = self.draft.chance(0.7)
        is_floating = self.draft.chance(0.05)
        return {
            **({"resource_type": None, "resource_id": None} if is_floating else self._about()),
            "content": self.rng.choice(_SUBJECTS),
            "owner_id": self.draft.owner(),
            "creator_id": self.draft.owner(),
            "due_date": text(due) if self.draft.chance(0.9) else None,
            "remind_at": text(due - timedelta(hours=1)) if self.draft.chance(0.2) else None,
            "completed": is_done,
            "completed_at": text(self.draft.after(at, 20)) if is_done else None,
        }

    def _note(self, _at: datetime) -> Record:
        is_long = self.draft.chance(0.02)
        return {
            **self._about(),
            "content": "Talked about the whole rollout.\n" * (200 if is_long else 1),
            "creator_id": self.draft.owner(),
            "is_important": self.draft.chance(0.05),
            "tags": self.setup.tags() if self.draft.chance(0.1) else [],
            "type": "regular",
        }

    def _call(self, at: datetime) -> Record:
        is_missed = self.draft.chance(0.2)
        about = self._about("lead", "contact")
        is_recorded = not is_missed and self.draft.chance(0.4)
        call = self.rng.randrange(10**9)
        return {
            **about,
            "user_id": self.draft.owner(),
            "phone_number": self.draft.fake.phone("France"),
            "incoming": self.draft.chance(0.5),
            "missed": is_missed,
            "made_at": text(at),
            "duration": 0 if is_missed else self.rng.randrange(5, 1_800),
            "outcome_id": None if is_missed else self.setup.one_of("call_outcomes"),
            "summary": None if is_missed else "Wants an offer",
            "recording_url": f"https://recordings.example/{call}.mp3" if is_recorded else None,
            "external_id": None,
            "associated_deal_ids": self.rng.sample(
                self._about_ids["deal"], 1 if self.draft.chance(0.2) else 0
            ),
        }

    def _visit(self, at: datetime) -> Record:
        return {
            **self._about("lead", "contact"),
            "creator_id": self.draft.owner(),
            "outcome_id": self.setup.one_of("visit_outcomes"),
            "visited_at": text(at),
            "resource_address": "1 quai du Port, Brest",
            "rep_location_verification_status": self.rng.choice(("verified", "not_verified")),
            "summary": "Saw the plant",
        }

    def _message(self, at: datetime) -> Record:
        return {
            **self._about("lead", "contact"),
            "user_id": self.draft.owner(),
            "user_phone_number": "+33199001234",
            "resource_phone_number": self.draft.fake.phone("France"),
            "incoming": self.draft.chance(0.5),
            "content": "See you at ten 👍",
            "sent_at": text(at),
            "associated_deal_ids": [],
        }

    def _add_files(self) -> None:
        for n, at in enumerate(self.draft.times(self.draft.sizes.files * 2)):
            name, kind = _FILES[n % len(_FILES)]
            size = 0 if n == 1 else self.rng.randrange(20, 40_000)
            self.draft.add("documents", at, {
                **self._about(), "name": name, "content_type": kind, "size": size,
                "creator_id": self.draft.owner(),
            })  # fmt: skip

    def _add_collaborations(self) -> None:
        for at in self.draft.times(self.draft.sizes.files):
            who = {"collaborator_id": self.draft.owner(), "creator_id": self.draft.owner()}
            self.draft.add("collaborations", at, {**self._about(), **who})

    def _add_sequences(self) -> None:
        at = self.draft.now - timedelta(days=200)
        sequences = [
            self.draft.add("sequences", at, {
                "name": name, "creator_id": self.draft.owner(), "steps_total": 2,
                "steps": _steps(n),
            })
            for n, name in enumerate(("Welcome sequence", "Relance douce"))
        ]  # fmt: skip
        for when in self.draft.times(self.draft.sizes.files):
            self.draft.add("sequence_enrollments", when, {
                **self._about("lead", "contact"), "actor_id": self.draft.owner(),
                "sequence_id": int(self.rng.choice(sequences)["id"]),
                "creator_id": self.draft.owner(), "state": self.rng.choice(("ongoing", "finished")),
            })  # fmt: skip


def _steps(n: int) -> Record:
    items = [
        {
            "data": {
                "id": 1_000 + n * 10 + position,
                "action_type": "automated_email",
                "delay_from_previous_step": position,
                "delay_from_previous_step_unit": "weekdays",
                "position": position,
                "action_properties": {"email_template_id": 398_744, "is_reply": position > 0},
            },
            "meta": {"type": "step"},
        }
        for position in range(2)
    ]
    return {"items": items, "meta": {"type": "collection", "count": len(items)}}
