"""Companies that may be the same as a company: the open questions about it, then the like ones.

The rule of matching judges, as it does when records arrive. Companies that a user or a source has
declared different are left out. Not here: deciding (`hub.actions.companies`).
"""

from sqlalchemy import Connection

from hub.crm import cards, companies
from hub.crm.companies import Company
from hub.etl import accounts
from hub.matching.companies import Judged
from hub.model.verdicts import Judgement
from hub.records.companies import ORGANISATION
from hub.views.parts import CompanyDuplicate

QUESTION = "company/"
_SHOWN = 10
_IN_REVIEW = "in review"


def of_company(conn: Connection, entity_id: int) -> tuple[CompanyDuplicate, ...]:
    """Return the companies that may be the same, those with an open question first."""
    asked = companies.asked_about(conn, entity_id)
    found = accounts.alike(conn, entity_id)
    apart = {entity_id, *cards.judged_apart(conn, entity_id, ORGANISATION)}
    others = {other for other in (*asked, *found) if other in asked or other not in apart}
    rows = sorted(
        companies.companies(conn, others),
        key=lambda one: (one.entity_id not in asked, -_strength(found.get(one.entity_id)), one.id),
    )
    return tuple(
        _line(one, found.get(one.entity_id), asked.get(one.entity_id)) for one in rows[:_SHOWN]
    )


def _strength(judged: Judged | None) -> int:
    return 0 if judged is None else judged.strength


def _line(one: Company, judged: Judged | None, question: str | None) -> CompanyDuplicate:
    judgement = Judgement.UNSURE if judged is None else judged.judgement
    return CompanyDuplicate(
        record=f"contact/{one.id}",
        name=one.name,
        city=one.city,
        country=one.country,
        website=one.website,
        people=one.people_n,
        deals=one.deals_n,
        judgement=judgement.value if question is None else _IN_REVIEW,
        why="one name" if judged is None else judged.why,
        question=None if question is None else f"{QUESTION}{question}",
    )
