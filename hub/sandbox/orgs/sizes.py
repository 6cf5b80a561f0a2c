"""How much a seeded org has of each object, and how much of it is difficult.

Everything follows from the number of leads. With 10,000 leads the org has 4,000 accounts, 12,000
contacts, 5,000 deals and 60,000 tasks and events.
"""

from dataclasses import dataclass

WHOLE = 10_000


@dataclass(frozen=True, slots=True)
class Sizes:
    """The numbers of one org; `leads` gives all of them."""

    leads: int

    def of(self, at_whole: int, *, least: int = 1) -> int:
        """Return a number in proportion: `at_whole` is the number beside 10,000 leads."""
        return max(least, at_whole * self.leads // WHOLE)

    @property
    def converted(self) -> int:
        """Return how many leads are converted."""
        return self.of(800, least=2)

    @property
    def accounts(self) -> int:
        """Return the number of accounts, person accounts among them."""
        return self.of(4_000, least=8)

    @property
    def persons(self) -> int:
        """Return the number of person accounts."""
        return self.of(400, least=2)

    @property
    def contacts(self) -> int:
        """Return the number of contacts, those of person accounts among them."""
        return self.of(12_000, least=12)

    @property
    def deals(self) -> int:
        """Return the number of deals."""
        return self.of(5_000, least=6)

    @property
    def tasks(self) -> int:
        """Return the number of tasks, calls and logged e-mails among them."""
        return self.of(45_000, least=20)

    @property
    def events(self) -> int:
        """Return the number of meetings."""
        return self.of(15_000, least=8)

    @property
    def notes(self) -> int:
        """Return the number of notes of each of the two kinds."""
        return self.of(500, least=3)

    @property
    def files(self) -> int:
        """Return the number of files, and of attachments."""
        return self.of(300, least=2)

    @property
    def members(self) -> int:
        """Return the number of campaign members."""
        return self.of(1_000, least=6)

    @property
    def line_items(self) -> int:
        """Return the number of products on deals."""
        return self.of(1_500, least=6)

    @property
    def other_accounts(self) -> int:
        """Return how many contacts belong to a second account."""
        return self.of(600, least=4)

    @property
    def attendees(self) -> int:
        """Return the number of people who are invited to meetings."""
        return self.of(2_000, least=6)

    @property
    def bad_emails(self) -> int:
        """Return the number of e-mail addresses that are none."""
        return self.of(200, least=2)

    @property
    def ambiguous_dates(self) -> int:
        """Return the number of texts that are a date in two orders."""
        return self.of(50, least=2)
