"""Tasks, calls, meetings, notes, files and campaign members of a seeded org."""

from base64 import b64encode
from datetime import datetime, timedelta

from hub.sandbox.ids import salesforce_id
from hub.sandbox.orgs.deals import Deals
from hub.sandbox.orgs.draft import DAYS, Draft, Record
from hub.sandbox.orgs.people import People

_SUBJECTS = (
    "Call back",
    "Send the offer",
    "Rappeler la cliente",
    "Prepare the meeting",
    "📞 relance",
)
_OUTCOMES = ("Interested", "No answer", "Left a message", None)
_ARCHIVED_AFTER = timedelta(days=365)
_CALLS, _EMAILS, _DONE, _WITH_DEAL, _OF_LEADS = 0.2, 0.1, 0.7, 0.35, 0.3
_CAMPAIGNS = ("Spring fair", "Webinar 2026", "Salon de l'Agriculture")
_FIRST_FILE = 10_000_000  # a document is a note or a file; the notes have the lower numbers
_LONG = "<p>Talked about the <b>whole</b> rollout: sites, dates, prices, trainings.</p>" * 6


class Activities:
    """Adds what was done with the people and deals of an org."""

    def __init__(self, draft: Draft, people: People, deals: Deals) -> None:
        self.draft, self.people, self.deals, self.rng = draft, people, deals, draft.rng
        self._leads = [one["id"] for one in people.leads if not one.get("deleted")]
        self._contacts = [(one["id"], one["values"]["AccountId"]) for one in people.contacts]
        self._deals = [(one["id"], one["values"]["AccountId"]) for one in deals.all]
        for at in draft.times(draft.sizes.tasks):
            draft.add("tasks", at, self._task(at))
        for at in draft.times(draft.sizes.events):
            draft.add("events", at, self._event(at))
        self._add_notes()
        self._add_files()
        self._add_campaigns()

    def _about(self) -> Record:
        """Return what an activity is about: a lead, or a contact with its deal or account."""
        if self.draft.chance(_OF_LEADS):
            return {"WhoId": self.rng.choice(self._leads)}
        if self.draft.chance(_WITH_DEAL):
            deal, account = self.rng.choice(self._deals)
            return {"WhatId": deal, "AccountId": account}
        contact, account = self.rng.choice(self._contacts)
        what = account if self.draft.chance(0.5) else None
        return {"WhoId": contact, "WhatId": what, "AccountId": account}

    def _task(self, at: datetime) -> Record:
        rng, draft = self.rng, self.draft
        values = {
            **self._about(),
            "Subject": rng.choice(_SUBJECTS),
            "Description": "As agreed." if draft.chance(0.3) else None,
            "ActivityDate": (at + timedelta(days=rng.randrange(30))).date().isoformat(),
            "Priority": rng.choice(("High", "Normal", "Normal")),
            "Status": "Completed" if draft.chance(_DONE) else "Not Started",
            "OwnerId": draft.owner(),
            "TaskSubtype": "Task",
        }
        kind = rng.random()
        if kind < _CALLS:
            values |= {
                "TaskSubtype": "Call",
                "Status": "Completed",
                "CallType": rng.choice(("Inbound", "Outbound")),
                "CallDurationInSeconds": rng.randrange(10, 3_600),
                "CallDisposition": rng.choice(_OUTCOMES),
            }
        elif kind < _CALLS + _EMAILS:
            values |= {"TaskSubtype": "Email", "Status": "Completed", "Subject": "Email: our offer"}
        if values["Status"] == "Completed":
            values["CompletedDateTime"] = draft.after(at, 10).isoformat()
            values["IsArchived"] = at < draft.now - _ARCHIVED_AFTER
        return values

    def _event(self, at: datetime) -> Record:
        start = at.replace(minute=0, second=0) + timedelta(days=self.rng.randrange(14))
        minutes = self.rng.choice((30, 60, 90))
        return {
            **self._about(),
            "Subject": self.rng.choice(("Demo", "Visit", "Réunion de lancement")),
            "Location": self.rng.choice(("Rennes", "Video call", None)),
            "StartDateTime": start.isoformat(),
            "EndDateTime": (start + timedelta(minutes=minutes)).isoformat(),
            "DurationInMinutes": minutes,
            "OwnerId": self.draft.owner(),
            "IsArchived": start < self.draft.now - _ARCHIVED_AFTER,
        }

    def _record(self) -> str:
        """Return the id of a record that notes and files hang on."""
        pool = (
            self._leads,
            *([one for one, _ in those] for those in (self._contacts, self._deals)),
        )
        return str(self.rng.choice(self.rng.choice(pool)))

    def _add_notes(self) -> None:
        draft = self.draft
        for at in draft.times(draft.sizes.notes):
            values = {"ParentId": self._record(), "Title": "Visit", "Body": "Wants a\nnew offer é."}
            draft.add("notes", at, {**values, "OwnerId": draft.owner()})
        for n, at in enumerate(draft.times(draft.sizes.notes)):
            html = _LONG if n % 3 == 0 else "<p>Asked for the <b>price</b> list.</p>"
            plain = (
                html.replace("<p>", "").replace("</p>", " ").replace("<b>", "").replace("</b>", "")
            )
            owner = draft.owner()
            note = draft.add("content_notes", at, {
                "Title": f"Meeting {n}", "Content": b64encode(html.encode()).decode(),
                "ContentSize": len(html), "TextPreview": plain.strip()[:255], "OwnerId": owner,
                "FileType": "SNOTE", "FileExtension": "snote",
            })  # fmt: skip
            self._link(note["id"], at, owner)

    def _link(self, document: str, at: datetime, owner: str) -> None:
        """Share a document with a record, and with its owner as Salesforce always does."""
        for entity, kind in ((self._record(), "V"), (owner, "I")):
            values = {"ContentDocumentId": document, "LinkedEntityId": entity, "ShareType": kind}
            self.draft.add("content_document_links", at, values)

    def _add_files(self) -> None:
        draft = self.draft
        for n, at in enumerate(draft.times(draft.sizes.files)):
            document = salesforce_id(draft.seed, "content_notes", _FIRST_FILE + n)
            owner = draft.owner()
            draft.add("content_versions", at, {
                "ContentDocumentId": document, "Title": f"Offer {n}", "FileExtension": "pdf",
                "FileType": "PDF", "PathOnClient": f"offer-{n}.pdf", "ContentSize": 1_000 + n,
                "IsLatest": True, "VersionNumber": "1", "OwnerId": owner,
                "VersionData": b64encode(b"%PDF-1.4").decode(),
            })  # fmt: skip
            self._link(document, at, owner)
            values = {"ParentId": self._record(), "Name": f"scan-{n}.png", "BodyLength": 512}
            content = {"ContentType": "image/png", "Body": b64encode(b"PNG").decode()}
            draft.add("attachments", at, {**values, **content, "OwnerId": draft.owner()})

    def _add_campaigns(self) -> None:
        draft, at = self.draft, self.draft.now - timedelta(days=DAYS)
        campaigns = [
            draft.add("campaigns", at, {"Name": name, "Type": "Webinar", "IsActive": True})
            for name in _CAMPAIGNS
        ]
        for n, at_ in enumerate(draft.times(draft.sizes.members)):
            who = (
                {"LeadId": self.rng.choice(self._leads)}
                if n % 2
                else {"ContactId": self.rng.choice(self._contacts)[0]}
            )
            values = {"CampaignId": self.rng.choice(campaigns)["id"], **who}
            values["Status"] = self.rng.choice(("Sent", "Responded"))
            draft.add("campaign_members", at_, values)
