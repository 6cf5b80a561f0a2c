"""The fields of deals, over their table and the short tables that they name."""

from sqlalchemy import func

from hub.crm import list_tables
from hub.crm.deal_tables import deal, pipeline, reason, stage
from hub.lists import predicates, search_text
from hub.lists.field_makers import by_name, keyed, name_of, named, plain, shared
from hub.lists.fields import Field
from hub.lists.related import deal_company, deal_contact_field, outcomes_of
from hub.model.vocabulary import DEALS

_PLAIN = (
    "currency", "source", "close_date", "added_at", "closed_at", "recorded_at",
    "last_stage_change_at", "last_activity_at", "last_communication_at", "next_task_at",
)  # fmt: skip
_CATEGORIES = ("incoming", "in_progress", "won", "unqualified", "lost")


def deals() -> dict[str, Field]:
    """Return the fields of deals."""
    c = deal.c
    likelihood = func.coalesce(
        c.customized_win_likelihood, name_of(stage, c.stage_id, "likelihood")
    )
    own = [
        Field("name", "Name", "text", c.name, search_text.predicate_of("deal", "name")),
        Field("value", "Value", "number", c.value, predicates.number_is, c.value),
        Field("hot", "Hot", "bool", c.is_hot, predicates.bool_is),
        Field("win_likelihood", "Win likelihood", "number", likelihood, predicates.number_is),
        Field(
            "stage_category", "Stage category", "name", name_of(stage, c.stage_id, "category"),
            named(stage, c.stage_id, "category"), words=_CATEGORIES,
        ),
        deal_company(),
        deal_contact_field(),
        outcomes_of(deal),
        *(
            Field(
                name, name.replace("_", " ").capitalize(), "name", name_of(table, key),
                keyed(key), names=kind,
            )
            for name, table, key, kind in (
                ("stage", stage, c.stage_id, "stage"),
                ("pipeline", pipeline, c.pipeline_id, "pipeline"),
                ("loss_reason", reason, c.loss_reason_id, "loss_reason"),
                ("unqualified_reason", reason, c.unqualified_reason_id, "deal_reason"),
            )
        ),
    ]  # fmt: skip
    names = {name: DEALS.get(name, name) for name in _PLAIN}
    return {
        **plain(deal, names, list_tables.DEAL_ORDERS),
        **by_name(shared(deal)),
        **by_name(own),
    }
