"""What finds the rows of a list: a stored sort key, facts of custom numbers and days, more words."""

from typing import Any

from alembic import op
from sqlalchemy import Column, Computed, Integer, Text, literal_column, text
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_STANDING = "archived_at IS NULL AND merged_into IS NULL"
_SORT_KEY = (
    "lower(regexp_replace(normalize(ltrim(coalesce(last_name, '') || ' ' || "
    "coalesce(first_name, '') || ' ' || coalesce(organization_name, '')), NFD), "
    r"'[\u0300-\u036f]', '', 'g'))"
)
_WORDS = ("email", "city", "phone", "mobile", "title", "website")
_FACTS = (
    "lead_source", "title", "industry", "website", "phone", "mobile", "fax", "street",
    "postal_code", "city", "state", "country",
)  # fmt: skip
_FACTS_OF = {
    "lead": ("status", "unqualified_reason", *_FACTS),
    "contact": ("customer_status", "prospect_status", "customer_type", "prospect_type", *_FACTS),
    "deal": ("currency", "source"),
}
_FUNCTION = r"""
CREATE FUNCTION crm.facts(tags jsonb, custom jsonb, words text[]) RETURNS integer[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $body$
DECLARE
  found integer[] := '{}';
  key text; value jsonb; kind text; word text; begins text; size numeric; digits text; year text;
BEGIN
  FOREACH word IN ARRAY words LOOP
    IF word IS NOT NULL THEN found := found || hashtext(word); END IF;
  END LOOP;
  IF jsonb_typeof(tags) = 'array' AND tags <> '[]' THEN
    FOR word IN SELECT t FROM jsonb_array_elements_text(tags) t LOOP
      found := found || hashtext('tags=' || left(word, 60));
    END LOOP;
  END IF;
  IF custom IS NULL OR custom = '{}' OR jsonb_typeof(custom) <> 'object' THEN RETURN found; END IF;
  FOR key, value IN SELECT e.key, e.value FROM jsonb_each(custom) e LOOP
    kind := jsonb_typeof(value);
    begins := '.' || left(key, 60) || '=';
    IF kind = 'array' THEN
      FOR word IN SELECT t FROM jsonb_array_elements_text(value) t LOOP
        found := found || hashtext(begins || left(word, 60));
      END LOOP;
    ELSIF kind = 'number' THEN
      found := found || hashtext(begins || CAST(trim_scale(CAST(value AS numeric)) AS text));
    ELSIF kind IN ('string', 'boolean') THEN
      found := found || hashtext(begins || left(value #>> '{}', 60));
    END IF;
    begins := '.' || left(key, 60) || ' ';
    IF kind = 'number' THEN
      size := abs(CAST(value AS numeric));
      IF size < 0.000001 THEN found := found || hashtext(begins || '0'); CONTINUE; END IF;
      begins := begins || CASE WHEN CAST(value AS numeric) < 0 THEN '-' ELSE '+' END;
      IF size >= 1e18 THEN found := found || hashtext(begins || '18'); CONTINUE; END IF;
      word := ltrim(to_char(size, '9.99EEEE'));  -- 9.995 is written 10.00e+00
      digits := left(replace(word, '.', ''), 3);
      begins := begins
        || CAST(split_part(word, 'e', 2) AS integer) + CAST(left(word, 3) = '10.' AS integer);
      found := found || hashtext(begins) || hashtext(begins || ':' || left(digits, 1))
        || hashtext(begins || ':' || left(digits, 2)) || hashtext(begins || ':' || digits);
    ELSIF kind = 'string' THEN
      word := left(value #>> '{}', 10);
      IF word ~ '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$' THEN
        year := least(greatest(left(word, 4), '1899'), '2101');
        found := found || hashtext(begins || left(year, 3)) || hashtext(begins || year)
          || hashtext(begins || year || substr(word, 5, 3))
          || hashtext(begins || year || substr(word, 5));
      END IF;
    END IF;
  END LOOP;
  RETURN found;
END $body$
"""
_HASHED = """
CREATE FUNCTION crm.hashed(facts text[]) RETURNS integer[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN ARRAY(SELECT hashtext(f) FROM unnest(facts) f)
"""


def upgrade() -> None:
    """Add the columns, make the indexes anew."""
    op.execute(_FUNCTION)
    op.execute(_HASHED)
    for table, before in (("lead", ()), ("contact", ("is_organization",))):
        op.drop_index(f"{table}_by_name", table, schema="crm")
        op.drop_index(f"{table}_facets", table, schema="crm")
        key = Column("sort_key", Text(collation="C"), Computed(_SORT_KEY, persisted=True))
        op.add_column(table, key, schema="crm")
        op.add_column(table, _facts(table), schema="crm")
        op.create_index(
            f"{table}_by_name",
            table,
            [*before, text("left(sort_key, 200)"), "id"],
            schema="crm",
            postgresql_where=text(_STANDING),
        )
        _facets(table, {"sort_key": "sort_key", "words": _words(_WORDS)}, _STANDING)
        for name in ("sort_key", "facts"):
            op.execute(f"ALTER TABLE crm.{table} ALTER COLUMN {name} SET STATISTICS 400")
        op.execute(f"CREATE STATISTICS crm.{table}_names ON (left(sort_key, 200)) FROM crm.{table}")
    op.drop_index("deal_facets", "deal", schema="crm")
    op.add_column("deal", _facts("deal"), schema="crm")
    _facets("deal", {"words": _words(("name",))}, "archived_at IS NULL")


def _words(names: tuple[str, ...]) -> str:
    return "lower(" + " || ' ' || ".join(f"coalesce({name}, '')" for name in names) + ")"


def _facts(table: str) -> Column[Any]:
    words = ", ".join(f"'{name}=' || left(lower({name}), 60)" for name in _FACTS_OF[table])
    made = Computed(f"crm.facts(tags, custom_fields, ARRAY[{words}])", persisted=True)
    return Column("facts", ARRAY(Integer), made)


def _facets(table: str, searched: dict[str, str], where: str) -> None:
    op.create_index(
        f"{table}_facets",
        table,
        [
            *(literal_column(expression).label(name) for name, expression in searched.items()),
            "facts",
        ],
        schema="crm",
        postgresql_using="gin",
        postgresql_ops=dict.fromkeys(searched, "gin_trgm_ops"),
        postgresql_where=text(where),
    )
