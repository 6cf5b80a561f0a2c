"""The expected content of a home: leads, contacts, people, what belongs to them, consents.

The oracle follows a play: it looks at the home whenever the hub is at rest, and keeps in mind which
rows exist, who was touched, and what people have set. All else it computes anew from the raw
versions, edits and decisions. `look` returns what differs, one sentence each.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from hub.model.entities import folded_names
from tests.plays import consents, fold, present
from tests.plays.consents import About, Word
from tests.plays.home import Home, Row, same, shown, sorted_keys
from tests.plays.people import people
from tests.plays.present import Record

_REACHED = ("last_name", "first_name", "organization_name", "email", "phone", "mobile")


@dataclass
class Oracle:
    """The memory of a play.

    Args:
        existing: rows that exist, by table: entities.
        touched: entities on which a person has worked.
        held: entity → status and reason that a person set.
        converted: entities whose lead a person has converted.
        by_source: entities whose lead its source has converted.
        unasked: rows for which nothing asked when the oracle last looked, by table: entities.
        kept: entities whose contact a person made, by converting its lead.
        hired: entities whose company a person named, by converting its lead.
        is_of_strangers: whether companies may also be found by a domain or a name, as in a home
            that no play has made: that is not computed.
        typed: what a person wrote on an entity: (kind, number) → the entity's anchor.
        passed: noes of people that reached further addresses: (address, channel, purpose), time.
        near: where a no of a person may have arrived, as far as the home was looked at: of people who
            were one for a while, of an address that several had.
        shared: addresses that belonged to several people once.
    """

    existing: dict[str, set[int]] = field(default_factory=lambda: {"lead": set(), "contact": set()})
    touched: set[int] = field(default_factory=set)
    held: dict[int, tuple[str, str | None]] = field(default_factory=dict)
    converted: set[int] = field(default_factory=set)
    by_source: set[int] = field(default_factory=set)
    unasked: dict[str, set[int]] = field(default_factory=lambda: {"lead": set(), "contact": set()})
    kept: set[int] = field(default_factory=set)
    hired: set[int] = field(default_factory=set)
    is_of_strangers: bool = False
    typed: dict[tuple[str, int], str] = field(default_factory=dict)
    passed: set[tuple[About, datetime]] = field(default_factory=set)
    near: set[tuple[About, datetime]] = field(default_factory=set)
    shared: set[str] = field(default_factory=set)

    def adopt(self, home: Home) -> None:
        """Take note of rows that exist: after a crash too, they may have been seen by somebody."""
        for table, rows in (("lead", home.leads), ("contact", home.contacts)):
            self.existing[table] |= {row.entity for row in rows}
            self.unasked[table] = {r.entity for r in rows if r.values["unasked_since"] is not None}
        _View(self, home, is_derivation=False, is_routed=False).note_near(home.people())

    def look(self, home: Home, *, is_derivation: bool = False, is_routed: bool = True) -> list[str]:
        """Return what the home holds and should not, or should and does not.

        Args:
            home: what the database holds, at rest.
            is_derivation: whether what has happened since the last look was our own derivation (an
                undo, a decision, a remap) and not the vendor's data.
            is_routed: whether new leads have been given to people since.
        """
        view = _View(self, home, is_derivation=is_derivation, is_routed=is_routed)
        differences = list(view.differences())
        for rows in self.existing.values():
            rows.clear()  # what was rightly taken back exists no longer
        self.adopt(home)
        return differences


class _View:
    def __init__(self, oracle: Oracle, home: Home, *, is_derivation: bool, is_routed: bool) -> None:
        self.oracle, self.home = oracle, home
        self.is_derivation, self.is_routed = is_derivation, is_routed
        self.records = present.records(home.versions)
        self.companies = present.companies(home.versions)
        self.groups = people(self.records, home.decisions)
        self.group_of = {key: group for group in self.groups for key in group}
        self.root_of = {
            group: roots.pop()
            for group in self.groups
            if len(roots := {home.roots[e] for k in group if (e := home.entities.get(k))}) == 1
        }

    def differences(self) -> Iterator[str]:
        have = self.home.people()
        for group in sorted(self.groups - have, key=sorted_keys):
            yield f"people: one person should be [{sorted_keys(group)}]"
        for group in sorted(have - self.groups, key=sorted_keys):
            yield f"people: one person is [{sorted_keys(group)}]"
        for group in sorted(self.groups & have, key=sorted_keys):
            yield from self._rows(group)
        yield from self._children()
        yield from self._consents()

    def _rows(self, group: frozenset[str]) -> Iterator[str]:
        person = _Person(self, group)
        name = f"[{sorted_keys(group)}]"
        yield from (f"lead of {name}: {d}" for d in person.lead_differences())
        yield from (f"contact of {name}: {d}" for d in person.contact_differences())

    def _children(self) -> Iterator[str]:
        """Notes, inquiries and tickets of source records, and what people wrote."""
        have = {(c.kind, c.key): c for c in self.home.children if c.key}
        wanted = dict(self._said_children())
        for about, (words, group) in sorted(wanted.items()):
            child = have.pop(about, None)
            name = f"{about[0]} of {about[1]}"
            if child is None:
                yield f"{name}: is not there"
                continue
            if child.words != words:
                yield f"{name}: {shown(child.words)} instead of {shown(words)}"
            if child.entity != self._root(group):
                yield f"{name}: hangs on another person than its record"
        for (kind, key), _ in sorted(have.items()):
            yield f"{kind} of {key}: its record says it no more"
        by_number = {(c.kind, c.id): c for c in self.home.children}
        for about, anchor in sorted(self.oracle.typed.items()):
            child = by_number.get(about)
            if child is None:
                if anchor in self.records:
                    yield f"{about[0]}/{about[1]} that a person wrote: is not there"
            elif anchor in self.group_of and child.root != self._root(self.group_of[anchor]):
                yield f"{about[0]}/{about[1]}: hangs on another person than it was written on"

    def _root(self, group: frozenset[str] | None) -> int | None:
        return self.root_of.get(group) if group else None

    def _said_children(
        self,
    ) -> Iterator[tuple[tuple[str, str], tuple[str, frozenset[str] | None]]]:
        versions = self.home.versions
        for key, note in present.asides(versions, "note").items():
            yield ("note", key), (str(note.values["content"]), self.group_of.get(key))
        for key, asked in present.asides(versions, "inquiry").items():
            words = [asked.values.get("subject"), asked.values.get("message")]
            yield ("inquiry", key), (": ".join(str(w) for w in words if w), self.group_of.get(key))
        for key, ticket in present.tickets(versions).items():
            requester = f"{key.split('/')[0]}/users/{ticket.refs.get('requester')}"
            group = self.group_of.get(requester)
            yield ("ticket", key), (str(ticket.values.get("subject")), group)

    def _consents(self) -> Iterator[str]:
        have = self.home.consents
        said = consents.words(self.home.versions)
        self.note_near(self.groups)
        self.note_near(self.home.people())
        self.oracle.passed |= self._passed_on(said)
        wanted = consents.states(said, self.oracle.passed, self.home.team)
        loosely = consents.states(said, self.oracle.passed | self.oracle.near, self.home.team)
        for about in sorted({*wanted, *have}):
            should, does = wanted.get(about), have.get(about)
            if should == does:
                continue
            if does == "no" and loosely.get(about) == "no":
                self.oracle.passed |= {one for one in self.oracle.near if one[0] == about}
                continue
            yield f"consent of {'/'.join(about)}: {does or 'nothing'} instead of {should or 'nothing'}"

    def _passed_on(self, said: Sequence[Word]) -> set[tuple[About, datetime]]:
        """Where the noes that were said of people must have arrived by now."""
        now = consents.states(said, self.oracle.passed, self.home.team)
        found: set[tuple[About, datetime]] = set()
        for group in self.groups:
            for no in self._told(said, group):
                if no.about[0] and now.get(no.about) != "no":
                    continue  # corrected, or confirmed since
                for address in self._own(group, no.about[1]) - self.oracle.shared:
                    if address != no.about[0]:
                        found.add(((address, *no.about[1:]), no.at))
        return found

    def _told(self, said: Sequence[Word], group: frozenset[str]) -> list[Word]:
        by_team = [
            Word("", w.about, "no", w.at, of_person=True)
            for w in self.home.team
            if w.anchor in group
        ]
        return [w for w in said if w.key in group and w.of_person and w.state == "no"] + by_team

    def _own(self, group: frozenset[str], channel: str) -> set[str]:
        """The addresses of a person; of one whose records are all gone, those that they had."""
        known = [self.records[key] for key in group if key in self.records]
        living = [record for record in known if not record.is_gone] or known
        values = [record.values for record in living]
        values += [{e.field: e.value} for e in self.home.edits if e.anchor in group]
        return {address for one in values for address in consents.reaches(channel, one)}

    def note_near(self, groups: Iterable[frozenset[str]]) -> None:
        """Note which addresses several people have, and which were near a no of a person."""
        said = consents.words(self.home.versions)
        holders: dict[str, set[frozenset[str]]] = {}
        for group in groups:
            for channel in ("email", "phone", "fax"):
                for address in self._own(group, channel):
                    holders.setdefault(address, set()).add(group)
            for no in self._told(said, group):
                self.oracle.near |= {
                    ((address, *no.about[1:]), no.at) for address in self._own(group, no.about[1])
                }
        self.oracle.shared |= {address for address, of in holders.items() if len(of) > 1}


class _Person:
    """One group of records, what of it stands in the home, and what should."""

    def __init__(self, view: _View, group: frozenset[str]) -> None:
        self.view, self.oracle = view, view.oracle
        self.records: list[Record] = [view.records[key] for key in sorted(group)]
        self.root = view.root_of[group]
        self.entities = {entity for entity, root in view.home.roots.items() if root == self.root}
        edits = [e for e in view.home.edits if e.anchor in group]
        self.values = fold.folded(self.records, edits)
        self.living = [r for r in self.records if not r.is_gone]
        decisions = [d for d in view.home.decisions if {d.a, d.b} & group]
        # a decision that parts two people is no reason to keep what it has left without a source
        self.is_worked_on = bool(self.entities & self.oracle.touched) or not all(
            d.parts for d in decisions
        )
        self.is_touched = self.is_worked_on or bool(decisions)
        self.lead = self._standing(view.home.leads)
        self.contact = self._standing(view.home.contacts)

    def _standing(self, rows: Sequence[Row]) -> Row | None:
        return next((r for r in rows if r.entity == self.root and r.is_standing), None)

    def _asks(self, role: str) -> bool:
        asking = self.living or self.records
        return any(r.role == role for r in asking) and any(
            self.values.get(name) for name in _REACHED
        )

    def _only_asks_again(self) -> bool:
        """An owned contact who is a lead by what was asked elsewhere alone gets no lead."""
        asking = [r for r in self.records if r.role == "lead"]
        owned = self.contact is not None and self.contact.values["owner_id"] is not None
        return owned and all("requester" in r.refs for r in asking)

    def _exists(self, table: str) -> bool:
        return bool(self.oracle.existing[table] & self.entities)

    def _was_lead_of_contact(self) -> bool:
        """Whether a source record that was a lead is a contact now, and nothing else asks for one."""
        return not self._asks("lead") and any(
            r.role == "contact" and "lead" in r.once for r in self.living
        )

    def lead_differences(self) -> Iterator[str]:
        asked = self._asks("lead")
        is_wanted = self._exists("lead") or (asked and not self._only_asks_again())
        if self._is_taken_back("lead", is_asked=asked):
            yield from self._taken_back(self.lead)
        elif self.lead is None or not is_wanted:
            yield from self._presence(self.lead, is_wanted=is_wanted)
        elif self._was_converted(self.lead):
            if self.lead.values["converted_at"] is None:
                yield "is open again, and was converted"
        elif self._is_converted_by_source() and not self.is_touched:
            if self.lead.values["converted_at"] is None:
                yield "is open, and its source has converted it"
            else:
                self.oracle.by_source.add(self.root)
        elif self.lead.values["converted_at"] is not None:
            yield "is converted, and nobody has converted it"
        else:
            yield from self._open_lead(self.lead, is_asked=asked)

    def _was_converted(self, lead: Row) -> bool:
        """Whether the lead was converted before; one made by a merge is as those that it stands for."""
        is_old = self.root in self.oracle.existing["lead"]
        before = {self.root} if is_old else self.entities & self.oracle.existing["lead"]
        by_source = self.oracle.by_source & before
        if by_source and self.view.is_derivation and not self._is_converted_by_source():
            # an undo may have taken the conversion back; or a later version of it asks again
            self.oracle.by_source -= by_source
            if lead.values["converted_at"] is not None:
                self.oracle.by_source |= by_source
        was = bool(before) and before <= (self.oracle.converted | self.oracle.by_source)
        if was and not is_old:
            self.oracle.converted.add(self.root)
        return was

    def _open_lead(self, lead: Row, *, is_asked: bool) -> Iterator[str]:
        yield from self._compare(lead, "lead", is_asked=is_asked)
        yield from self._status(lead)
        is_marked = lead.values["source_converted_at"] is not None
        if is_marked != self._is_converted_by_source():
            yield "its source's conversion is " + ("marked" if is_marked else "not marked")
        yield from self._employer(lead, "account_id")
        is_there = lead.values["archived_at"] is None
        if self.view.is_routed and is_there and lead.values["owner_id"] is None:
            yield "has no owner"

    def _is_taken_back(self, table: str, *, is_asked: bool) -> bool:
        """Whether the row existed by our own derivation alone, which has changed."""
        was_asked = not self.entities & self.oracle.unasked[table]
        is_untouched = self.view.is_derivation and not self.is_worked_on
        is_ours = is_untouched and not self._once_asked(table)
        return self._exists(table) and not is_asked and was_asked and is_ours

    def _once_asked(self, table: str) -> bool:
        """Whether the vendor's own data asked for the row before, in a record that is here."""
        return any(table in r.once or (r.is_gone and r.role == table) for r in self.records)

    def _taken_back(self, row: Row | None) -> Iterator[str]:
        if row is not None:
            yield "stands, although our own derivation took it back"

    def _presence(self, row: Row | None, *, is_wanted: bool) -> Iterator[str]:
        if is_wanted:
            yield "is not there"
        elif row is not None:
            yield "is there, and nothing asks for it"

    def _is_converted_by_source(self) -> bool:
        return self._was_lead_of_contact() or any(
            r.values.get("converted_at") for r in self.records
        )

    def contact_differences(self) -> Iterator[str]:
        asked = self._asks("contact") or bool(self.entities & self.oracle.kept)
        is_wanted = asked or self._exists("contact")
        if self._is_taken_back("contact", is_asked=asked):
            yield from self._taken_back(self.contact)
        elif self.contact is None or not is_wanted:
            yield from self._presence(self.contact, is_wanted=is_wanted)
        else:
            yield from self._compare(self.contact, "contact", is_asked=asked)
            yield from self._link(self.contact)
            yield from self._employer(self.contact, "company_id")

    def _link(self, contact: Row) -> Iterator[str]:
        if self.lead is None or contact.values["archived_at"] is not None:
            return
        if self.lead.values["contact_id"] != contact.id:
            yield "the lead of the same person does not point to it"
        if self._was_lead_of_contact() and contact.values["owner_id"] is None:
            yield "has no owner, and the lead that it was has one"

    def _employer(self, row: Row, column: str) -> Iterator[str]:
        """The company that the sources name, where no person has named one."""
        if self.entities & self.oracle.hired:
            return
        home = self.view.home
        wanted = present.employer(self.records, self.view.companies)
        if column == "account_id" and not wanted and self.oracle.is_of_strangers:
            return
        have = home.company_rows.get(row.values[column])
        if row.values["archived_at"] is None and have != (
            home.companies[wanted] if wanted else None
        ):
            yield f"{column} is {shown(have)} instead of {wanted or 'nothing'}"

    def _compare(self, row: Row, table: str, *, is_asked: bool) -> Iterator[str]:
        for name in folded_names(table):
            old, new = row.values[name], self.values.get(name)
            if not same(old, new):
                yield f"{name} is {shown(old)} instead of {shown(new)}"
        is_archived = row.values["archived_at"] is not None
        if is_archived != (not self.living and not self.is_touched):
            yield "is archived" if is_archived else "is not archived, and nothing of it lives"
        is_unasked = row.values.get("unasked_since") is not None
        if not is_archived and self.living and is_unasked == is_asked:
            yield "unasked_since is " + ("set" if is_unasked else "not set")

    def _status(self, row: Row) -> Iterator[str]:
        held = [self.oracle.held[e] for e in self.entities if e in self.oracle.held]
        if held and self.root not in self.oracle.held:
            return  # of two leads that were merged, and one was set: the survivor keeps its own
        is_ = (row.values["status"], row.values["unqualified_reason"])
        if row.values["status_set_by"] == "inquiry":  # of an unqualified person who asked again
            yield from self._reopened(is_)
            return
        wanted = self.oracle.held.get(self.root) or fold.status(self.records)
        if self.root in self.oracle.held and row.values["status_set_by"] != "person":
            yield "a person set its status, and it is not held"
        if is_ != wanted:
            yield f"status is {shown(is_)} instead of {shown(wanted)}"

    def _reopened(self, is_: tuple[str, str | None]) -> Iterator[str]:
        if is_ != ("New", None):
            yield f"an inquiry opened it again, and its status is {shown(is_)}"
        if not any(c.kind == "inquiry" and c.root == self.root for c in self.view.home.children):
            yield "an inquiry opened it again, and there is none"
