"""Make support tickets; some of them are questions for sales.

Not here: the requester and the number of tickets (`generator.py`).
"""

from hub.sandbox.fake_data import FRENCH, FakeData, Person
from hub.sandbox.fields import Record

SALES_TAG = "sales"
SALES_SUBJECTS = {
    "fr": ("Demande de devis", "Demande de démo pour notre équipe", "Devis pour 25 postes"),
    "en": ("Request for a quote", "Could we have a demo?", "Quote for 25 seats"),
}
SUBJECTS = {
    "fr": (
        "Impossible de me connecter",
        "Question sur ma facture",
        "Export incomplet",
        "Changer d'adresse de livraison",
        "Message d'erreur à l'enregistrement",
    ),
    "en": (
        "Cannot sign in",
        "Question about my invoice",
        "Export is incomplete",
        "Change of delivery address",
        "Error message when saving",
    ),
}
_DESCRIPTIONS = {
    "fr": (
        "Bonjour, cela ne marche plus depuis ce matin.",
        "Voici une capture de l'écran concerné, merci d'avance.",
        "Pouvez-vous vérifier notre dossier ?",
    ),
    "en": (
        "Hello, this has not worked since this morning.",
        "Please see the screenshot, and thanks in advance.",
        "Could you have a look at our account?",
    ),
}
_STATUSES = {"new": 15, "open": 25, "pending": 15, "hold": 5, "solved": 25, "closed": 15}
_PRIORITIES = {None: 40, "low": 15, "normal": 30, "high": 12, "urgent": 3}
_TYPES = {"question": 50, "incident": 25, "problem": 10, "task": 5, None: 10}
_FAULTS = frozenset({"incident", "problem"})  # a question for sales is never filed as one
_CHANNELS = {"email": 55, "web": 30, "chat": 10, "api": 5}
_TAGS = ("billing", "login", "export", "delivery")


def ticket(fake: FakeData, person: Person, *, for_sales: bool) -> Record:
    """Return a Zendesk ticket, without who asks; one for sales says so in its tag or subject."""
    rng = fake.rng
    tongue = "fr" if person.company.language in FRENCH else "en"
    tags = [rng.choice(_TAGS)] if rng.random() < 0.4 else []  # noqa: PLR2004
    subject, description = rng.choice(SUBJECTS[tongue]), rng.choice(_DESCRIPTIONS[tongue])
    if for_sales:
        tagged = rng.random() < 0.5  # noqa: PLR2004
        tags = [SALES_TAG] if tagged else []
        description = fake.message(person.company)
        subject = rng.choice(("Question", "Contact") if tagged else SALES_SUBJECTS[tongue])
    types = {one: share for one, share in _TYPES.items() if not for_sales or one not in _FAULTS}
    return {
        "subject": subject,
        "description": description,
        "status": rng.choices(tuple(_STATUSES), tuple(_STATUSES.values()))[0],
        "priority": rng.choices(tuple(_PRIORITIES), tuple(_PRIORITIES.values()))[0],
        "type": rng.choices(tuple(types), tuple(types.values()))[0],
        "tags": tags,
        "via": {"channel": rng.choices(tuple(_CHANNELS), tuple(_CHANNELS.values()))[0]},
    }


def is_for_sales(values: Record) -> bool:
    """Return whether a ticket is one for sales."""
    every = {subject for subjects in SALES_SUBJECTS.values() for subject in subjects}
    return SALES_TAG in values["tags"] or values["subject"] in every
