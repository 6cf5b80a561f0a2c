"""Facts of 64 bits that need no second look; names apart from companies; who owns leads since when."""

from alembic import op
from sqlalchemy import literal_column, text

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_STANDING = "archived_at IS NULL AND merged_into IS NULL"
_FOLDED = r"lower(regexp_replace(normalize({}, NFD), '[\u0300-\u036f]', '', 'g'))"
_NAMES = "coalesce(last_name, '') || ' ' || coalesce(first_name, '')"
_SORTED = _FOLDED.format(f"ltrim({_NAMES} || ' ' || coalesce(organization_name, ''))")
_WORDS = ("city", "phone", "mobile", "title", "website")
_SEARCHED = ("email", "organization_name")
_FACTS = (
    "lead_source", "title", "industry", "website", "phone", "mobile", "fax", "street",
    "postal_code", "city", "state", "country",
)  # fmt: skip
_FACTS_OF = {
    "lead": ("status", "unqualified_reason", *_FACTS),
    "contact": ("customer_status", "prospect_status", "customer_type", "prospect_type", *_FACTS),
    "deal": ("currency", "source"),
}
_HASHED = """
CREATE FUNCTION crm.hashed(facts text[]) RETURNS bigint[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $body$
DECLARE
  found bigint[] := '{}';
  fact text;
BEGIN
  FOREACH fact IN ARRAY facts LOOP
    found := found || hashtextextended(fact, 0);
  END LOOP;
  RETURN found;
END $body$
"""
_FUNCTION = r"""
CREATE FUNCTION crm.facts(tags jsonb, custom jsonb, added timestamptz, words text[])
RETURNS bigint[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $body$
DECLARE
  said text[] := '{}';
  key text; value jsonb; kind text; word text; begins text; size numeric; power integer;
  digits text; year text; month text; day integer;
BEGIN
  FOREACH word IN ARRAY words LOOP
    IF word IS NOT NULL THEN said := said || word; END IF;
  END LOOP;
  IF added IS NOT NULL THEN
    year := CAST(
      least(greatest(extract(year FROM added AT TIME ZONE 'UTC'), 1949), 2051) AS integer);
    month := coalesce(extract(month FROM added AT TIME ZONE 'UTC'), 1);  -- infinity has none
    said := said || ARRAY['added=' || left(year, 3), 'added=' || year,
      'added=' || year || '-' || lpad(month, 2, '0')];
  END IF;
  IF jsonb_typeof(tags) = 'array' AND tags <> '[]' THEN
    FOR value IN SELECT t FROM jsonb_array_elements(tags) t LOOP
      IF jsonb_typeof(value) = 'string' THEN said := said || ('tags=' || (value #>> '{}')); END IF;
    END LOOP;
  END IF;
  IF jsonb_typeof(custom) = 'object' AND custom <> '{}' THEN
    FOR key, value IN SELECT e.key, e.value FROM jsonb_each(custom) e LOOP
      kind := jsonb_typeof(value);
      begins := '.' || length(key) || ':' || key;
      CASE kind
      WHEN 'array' THEN
        FOR value IN SELECT t FROM jsonb_array_elements(value) t LOOP
          IF jsonb_typeof(value) = 'string' THEN
            said := said || (begins || '[' || (value #>> '{}'));
          END IF;
        END LOOP;
      WHEN 'boolean' THEN
        said := said || (begins || '=' || (value #>> '{}'));
      WHEN 'number' THEN
        word := CAST(trim_scale(CAST(value AS numeric)) AS text);
        said := said || (begins || '=#' || word);
        size := abs(CAST(value AS numeric));
        IF size = 0 THEN said := said || (begins || ' 0'); CONTINUE; END IF;
        IF left(word, 1) = '-' THEN
          said := said || (begins || ' -');
          word := substr(word, 2);
          begins := begins || ' -';
        ELSE
          begins := begins || ' +';
        END IF;
        IF size < 0.01 THEN said := said || (begins || '-3'); CONTINUE; END IF;
        IF size >= 1000000000 THEN said := said || (begins || '9'); CONTINUE; END IF;
        IF size >= 1 THEN
          power := length(split_part(word, '.', 1)) - 1;
          digits := replace(word, '.', '');
        ELSE
          digits := ltrim(split_part(word, '.', 2), '0');
          power := length(digits) - length(split_part(word, '.', 2)) - 1;
        END IF;
        digits := left(rpad(digits, 3, '0'), 3);
        begins := begins || power;
        said := said || ARRAY[begins, begins || ':' || left(digits, 1),
          begins || ':' || left(digits, 2), begins || ':' || digits];
      WHEN 'string' THEN
        word := value #>> '{}';
        said := said || (begins || '="' || word);
        IF word ~ '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])(T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?$' THEN
          begins := begins || CASE length(word) WHEN 10 THEN ' d' ELSE ' m' END;
          year := least(greatest(left(word, 4), '1949'), '2051');
          day := CAST(substr(word, 9, 2) AS integer);
          word := begins || year || substr(word, 5, 3);
          said := said || ARRAY[begins || left(year, 3), begins || year, word,
            word || '/' || least((day - 1) / 10, 2), word || '-' || lpad(CAST(day AS text), 2, '0')];
        END IF;
      ELSE
        NULL;
      END CASE;
    END LOOP;
  END IF;
  RETURN crm.hashed(said);
END $body$
"""


def upgrade() -> None:
    """Write the facts anew, make the indexes that read them."""
    for table in _FACTS_OF:
        op.drop_index(f"{table}_facets", table, schema="crm")
        op.execute(f"ALTER TABLE crm.{table} DROP COLUMN facts")
    op.execute("DROP FUNCTION crm.facts(jsonb, jsonb, text[])")
    op.execute("DROP FUNCTION crm.hashed(text[])")
    op.execute(_HASHED)
    op.execute(_FUNCTION)
    for table, before in (("lead", ()), ("contact", ("is_organization",))):
        op.drop_index(f"{table}_by_name", table, schema="crm")
        op.execute(f"DROP STATISTICS crm.{table}_names, crm.{table}_words")
        op.execute(f"ALTER TABLE crm.{table} DROP COLUMN sort_key")
        sort_key = _text("sort_key", f"left({_SORTED}, 200)")
        names = _text("names", _FOLDED.format(_NAMES))
        op.execute(f"ALTER TABLE crm.{table} {sort_key}, {names}, {_facts(table)}")  # in one pass
        for name in ("names", "facts"):
            op.execute(f"ALTER TABLE crm.{table} ALTER COLUMN {name} SET STATISTICS 400")
        op.create_index(
            f"{table}_by_name",
            table,
            [*before, "sort_key", "id"],
            schema="crm",
            postgresql_where=text(_STANDING),
        )
        op.drop_index(f"ix_{table}_owner_id", table, schema="crm")
        op.create_index(
            f"ix_{table}_owner_id_created_at", table, ["owner_id", "created_at"], schema="crm"
        )
        words = "lower(" + " || ' ' || ".join(f"coalesce({name}, '')" for name in _WORDS) + ")"
        _facets(table, {"names": "names", "words": words}, _SEARCHED, _STANDING)
        op.execute(
            f"CREATE STATISTICS crm.{table}_organizations ON (lower(organization_name)) FROM crm.{table}"
        )
    op.execute(f"ALTER TABLE crm.deal {_facts('deal')}")
    _facets("deal", {}, ("name",), "archived_at IS NULL")


def _text(name: str, made: str) -> str:
    return f'ADD COLUMN {name} text COLLATE "C" GENERATED ALWAYS AS ({made}) STORED'


def _facts(table: str) -> str:
    words = ", ".join(f"'{name}=' || lower({name})" for name in _FACTS_OF[table])
    added = "added_at" if table == "deal" else "created_at"
    made = f"crm.facts(tags, custom_fields, {added}, ARRAY[{words}])"
    return f"ADD COLUMN facts bigint[] GENERATED ALWAYS AS ({made}) STORED"


def _facets(table: str, more: dict[str, str], names: tuple[str, ...], where: str) -> None:
    searched = {**more, **{name: f"lower({name})" for name in names}}
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
