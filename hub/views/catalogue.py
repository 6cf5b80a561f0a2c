"""The read models by what people call them: what the reference and the tests walk."""

from hub.views.cards import CompanyCard, ContactCard, DealCard, LeadCard
from hub.views.finding import Found
from hub.views.lists import ListPage

READ_MODELS: dict[str, type] = {
    "Card of a lead": LeadCard,
    "Card of a contact": ContactCard,
    "Card of a company": CompanyCard,
    "Card of a deal": DealCard,
    "Page of a list": ListPage,
    "Search": Found,
}
