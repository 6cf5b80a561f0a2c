"""Columns that PostgreSQL makes of others, for smart lists: a person's names, and a row's search tokens.

A search token is a hash of a few words: a tag (`tags=vip`), what a column says (`city=lyon`) or a custom field
(`.4:tier="Gold`), where a custom number or day lies (`.5:score +2:88`; `hub.lists.search_tokens` says how). An
index of all search tokens finds the rows that fulfil a condition, and says how many they are. A hash has 64 bits and
is the one that PostgreSQL promises to keep, since tables are cut into parts by it: that one of ten million
search tokens is taken for the one asked for is as likely as one in a million millions.
"""

from typing import Any

from sqlalchemy import DDL, BigInteger, Column, Computed, Text, event
from sqlalchemy.dialects.postgresql import ARRAY

from hub.db.metadata import metadata, personal

# É sorts with E in every locale of the database, and letter case does not count
_FOLDED = r"lower(regexp_replace(normalize({}, NFD), '[\u0300-\u036f]', '', 'g'))"
_NAMES = "coalesce(last_name, '') || ' ' || coalesce(first_name, '')"
# at most 200 letters, because an entry of a B-tree holds 2,700 bytes and a name may be any length
_SORTED = _FOLDED.format(f"ltrim({_NAMES} || ' ' || coalesce(organization_name, ''))")
_SORT_KEY = f"left({_SORTED}, 200)"
_PEOPLE = (
    "lead_source", "title", "industry", "website", "phone", "mobile", "fax", "street",
    "postal_code", "city", "state", "country",
)  # fmt: skip
TEXT_TOKENS = {
    "lead": ("status", "unqualified_reason", *_PEOPLE),
    "contact": ("customer_status", "prospect_status", "customer_type", "prospect_type", *_PEOPLE),
    "deal": ("currency", "source"),
}
ADDED = {"lead": "created_at", "contact": "created_at", "deal": "added_at"}

# Made once, when a row is written: plpgsql takes a tenth of the time of one statement of SQL.
TOKENS_FUNCTION = r"""
CREATE FUNCTION crm.search_tokens(tags jsonb, custom jsonb, added timestamptz, words text[])
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
# The search value, in the column's form: the planner sees one constant, for any number of search
# tokens.
HASHED_FUNCTION = """
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
for _function in (HASHED_FUNCTION, TOKENS_FUNCTION):
    event.listen(metadata, "before_create", DDL(_function))  # type: ignore[no-untyped-call]


def sort_key() -> Column[Any]:
    """Return what a person or a company is sorted by."""
    return personal("sort_key", Text(collation="C"), Computed(_SORT_KEY, persisted=True))


def names() -> Column[Any]:
    """Return what a person is searched by: the last name, a space, the first name."""
    made = Computed(_FOLDED.format(_NAMES), persisted=True)
    return personal("names", Text(collation="C"), made)


def search_tokens(table: str) -> Column[Any]:
    """Return the column of a row's search tokens."""
    words = ", ".join(f"'{name}=' || lower({name})" for name in TEXT_TOKENS[table])
    made = f"crm.search_tokens(tags, custom_fields, {ADDED[table]}, ARRAY[{words}])"
    return personal("search_tokens", ARRAY(BigInteger), Computed(made, persisted=True))
