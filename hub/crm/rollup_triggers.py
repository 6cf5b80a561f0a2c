"""The SQL that keeps the rollups true: what each kind of row counts for, and the triggers.

One trigger a statement, over its transition tables: what the rows counted for before is taken away,
what they count for now is added. A migration holds a copy of these texts; a test compares.
"""

# A duration's bucket: eight a doubling, so neighbours differ by nine per cent.
BUCKET = (
    "CASE WHEN {seconds} IS NOT NULL "
    "THEN CAST(floor(8 * ln(greatest({seconds}, 1)) / ln(2)) AS integer) END"
)
# When a lead came: the date of its source, but never later than the hub first had it. A source whose
# clock is ahead dates leads into the future; an answer given meanwhile would come before the lead.
LEAD_CAME = "least(created_at, recorded_at)"
_RESPONSE = BUCKET.format(
    seconds=f"CAST(extract(epoch FROM first_response_at - {LEAD_CAME}) AS float8)"
)

# rows: (sign, id, owner_id, lead_source, status, converted_at, response bucket) of leads that count
LEAD_COLUMNS = (
    "id, owner_id, lead_source, status, converted_at IS NOT NULL AS is_converted, "
    + _RESPONSE
    + " AS bucket"
)
LEAD_LIVES = "archived_at IS NULL AND merged_into IS NULL"
COUNT_LEADS = """
INSERT INTO ops.lead_rollup (what, owner_id, source, status, is_converted, bucket, n)
SELECT c.what, r.owner_id, r.lead_source, c.status, c.is_converted, c.bucket, sum(r.sign)
FROM ({rows}) r CROSS JOIN LATERAL (VALUES
  ('count', r.status, r.is_converted, CAST(NULL AS integer)),
  ('response', NULL, NULL, r.bucket)) AS c (what, status, is_converted, bucket)
GROUP BY 1, 2, 3, 4, 5, 6 HAVING sum(r.sign) <> 0"""
COUNT_WON = """
INSERT INTO ops.lead_rollup (what, owner_id, source, stage_id, currency, n, value)
SELECT 'won', r.owner_id, r.lead_source, r.stage_id, r.currency, sum(r.sign), sum(r.sign * r.value)
FROM ({rows}) r
GROUP BY 1, 2, 3, 4, 5 HAVING sum(r.sign) <> 0 OR sum(r.sign * r.value) <> 0"""

# rows: (sign, …the deal)
DEAL_COLUMNS = (
    "id, owner_id, source, stage_id, coalesce(loss_reason_id, unqualified_reason_id) AS reason_id, "
    "currency, CAST(date_trunc('month', closed_at AT TIME ZONE 'UTC') AS date) AS month, value, "
    "customized_win_likelihood AS own"
)
COUNT_DEALS = """
INSERT INTO ops.deal_rollup (owner_id, source, stage_id, reason_id, currency, month, n, value,
  own_value, own_weighted)
SELECT * FROM (
  SELECT r.owner_id, r.source, r.stage_id, r.reason_id, r.currency, r.month,
         sum(r.sign) AS n, sum(r.sign * r.value) AS value,
         coalesce(sum(r.sign * r.value) FILTER (WHERE r.own IS NOT NULL), 0) AS own_value,
         coalesce(sum(r.sign * r.value * r.own / 100), 0) AS own_weighted
  FROM ({rows}) r GROUP BY 1, 2, 3, 4, 5, 6) c
WHERE c.n <> 0 OR c.value <> 0 OR c.own_value <> 0 OR c.own_weighted <> 0"""

# moves: (sign, deal_id, owner_id, source, id, to_stage_id, at). Of each deal and stage: seconds in it, all visits
# together, none while the deal is there; for a standing win the seconds since the deal began.
SPENT = """
visits AS (
  SELECT m.sign, m.deal_id, m.owner_id, m.source, m.to_stage_id AS stage_id, s.category,
         lead(m.id) OVER w IS NULL AS is_last,
         CAST(extract(epoch FROM lead(m.at) OVER w - m.at) AS float8) AS seconds,
         CAST(extract(epoch FROM m.at - first_value(m.at) OVER w) AS float8) AS since_start,
         lead(s.category) OVER w IN ('lost', 'unqualified') AND lead(m.id, 2) OVER w IS NULL
           AS is_lost,
         max(CASE WHEN s.category IN ('lost', 'unqualified') THEN 0 ELSE s.position END)
           OVER (p ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) > s.position AS is_advanced
  FROM moves m JOIN crm.stage s ON s.id = m.to_stage_id
  WINDOW w AS (PARTITION BY m.sign, m.deal_id ORDER BY m.at, m.id),
         p AS (PARTITION BY m.sign, m.deal_id, s.pipeline_id ORDER BY m.at, m.id)
), spent AS (
  SELECT sign, deal_id, owner_id, source, stage_id, bool_or(is_last) AS is_inside,
         coalesce(bool_or(is_lost), false) AS is_lost,
         coalesce(bool_or(is_advanced), false) AS is_advanced,
         CASE WHEN bool_or(category = 'won') THEN max(since_start) FILTER (WHERE is_last)
              WHEN NOT bool_or(is_last) THEN sum(seconds) END AS seconds
  FROM visits GROUP BY 1, 2, 3, 4, 5
)"""
COUNT_STAGES = (
    """
INSERT INTO ops.stage_rollup (owner_id, source, stage_id, bucket, entered, advanced, lost, inside)
WITH moves AS ({moves}),"""  # noqa: S608 our own text
    + SPENT
    + """
SELECT * FROM (
  SELECT s.owner_id, s.source, s.stage_id, """
    + BUCKET.format(seconds="s.seconds")
    + """ AS bucket,
         sum(s.sign) AS entered,
         coalesce(sum(s.sign) FILTER (WHERE s.is_advanced), 0) AS advanced,
         coalesce(sum(s.sign) FILTER (WHERE s.is_lost), 0) AS lost,
         coalesce(sum(s.sign) FILTER (WHERE s.is_inside), 0) AS inside
  FROM spent s GROUP BY 1, 2, 3, 4) c
WHERE c.entered <> 0 OR c.advanced <> 0 OR c.lost <> 0 OR c.inside <> 0"""
)

_MOVE = "deal_id, id, to_stage_id, at"
_SIGNS = {
    "insert": (("1", "new_rows"),),
    "update": (("-1", "old_rows"), ("1", "new_rows")),
    "delete": (("-1", "old_rows"),),
}
_REFERENCING = {
    "insert": "NEW TABLE AS new_rows",
    "update": "OLD TABLE AS old_rows NEW TABLE AS new_rows",
    "delete": "OLD TABLE AS old_rows",
}


def _signed(verb: str, columns: str, lives: str = "true") -> str:
    return " UNION ALL ".join(
        f"SELECT {sign} AS sign, {columns} FROM {rows} WHERE {lives}"  # noqa: S608 our own text
        for sign, rows in _SIGNS[verb]
    )


def _changed(verb: str, columns: str, lives: str) -> str:
    """Return rows that count otherwise than before, once for each way."""
    names = ", ".join(name.split(" AS ")[-1] for name in columns.split(", "))
    return (
        f"SELECT sum(sign) AS sign, {names} FROM ({_signed(verb, columns, lives)}) b "  # noqa: S608
        f"GROUP BY {names} HAVING sum(sign) <> 0"
    )


def _of_lead(verb: str) -> list[str]:
    counted = COUNT_LEADS.format(rows=_signed(verb, LEAD_COLUMNS, LEAD_LIVES))
    if verb != "update":  # a lead that comes or goes has no deal
        return [counted]
    changed = _changed(verb, "id, owner_id, lead_source", LEAD_LIVES)
    won = COUNT_WON.format(
        rows="SELECT c.sign, c.owner_id, c.lead_source, d.stage_id, d.currency, d.value "  # noqa: S608
        f"FROM ({changed}) c CROSS JOIN LATERAL (SELECT stage_id, currency, value FROM crm.deal "
        "WHERE lead_id = c.id AND archived_at IS NULL OFFSET 0) d"
    )
    return [counted, *_if_any(changed, won)]


def _of_deal(verb: str) -> list[str]:
    lives = "archived_at IS NULL AND lead_id IS NOT NULL"
    changed = _changed(verb, "lead_id, stage_id, currency, value", lives)
    # a transaction that changes the lead now would not see the deal, and this one not its change
    lock = (
        f"SELECT 1 FROM (SELECT lead_id FROM ({changed}) b GROUP BY 1 ORDER BY 1) c "  # noqa: S608
        "CROSS JOIN LATERAL (SELECT id FROM crm.lead WHERE id = c.lead_id FOR SHARE) l"
    )
    won = COUNT_WON.format(
        rows="SELECT c.sign, l.owner_id, l.lead_source, c.stage_id, c.currency, c.value "  # noqa: S608
        f"FROM ({changed}) c CROSS JOIN LATERAL (SELECT owner_id, lead_source FROM crm.lead "
        f"WHERE id = c.lead_id AND {LEAD_LIVES} OFFSET 0) l"
    )
    counted = COUNT_DEALS.format(rows=_signed(verb, DEAL_COLUMNS, "archived_at IS NULL"))
    statements = [counted, *_if_any(changed, lock, won)]
    if verb == "update":  # a deal that comes or goes has been nowhere
        whose = _changed(verb, "id, owner_id, source", "archived_at IS NULL")
        moves = (
            "SELECT d.sign, t.deal_id, d.owner_id, d.source, t.id, t.to_stage_id, t.at "  # noqa: S608
            f"FROM ({whose}) d CROSS JOIN LATERAL (SELECT {_MOVE} FROM crm.stage_transition "
            "WHERE deal_id = d.id OFFSET 0) t"
        )
        statements += _if_any(whose, COUNT_STAGES.format(moves=moves))
    return statements


def _if_any(changed: str, *statements: str) -> list[str]:
    """Return the statements, run only where something changed.

    They are planned each time: a plan that was made for a whole load would read whole tables for
    one row. And what they look up is lateral with OFFSET 0, row by row by an index: in a first load
    the statistics know nothing of the rows yet, and a join may compare each with each.
    """
    runs = [f"EXECUTE $q${statement.strip()}$q$" for statement in statements]
    return [f"IF EXISTS ({changed}) THEN\n" + ";\n".join(runs), "END IF"]


def _of_move(verb: str) -> list[str]:
    touched = " UNION ".join(
        f"SELECT DISTINCT deal_id FROM {rows}"  # noqa: S608 our own text
        for _, rows in _SIGNS[verb]
    )
    now = (
        f"SELECT t.* FROM ({touched}) x CROSS JOIN LATERAL (SELECT {_MOVE} "  # noqa: S608
        "FROM crm.stage_transition WHERE deal_id = x.deal_id OFFSET 0) t"
    )
    changes = " UNION ALL ".join(
        f"SELECT -({sign}) AS k, {_MOVE} FROM {rows}"  # noqa: S608 our own text
        for sign, rows in _SIGNS[verb]
    )
    before = (
        f"SELECT {_MOVE} FROM (SELECT 1 AS k, n.* FROM ({now}) n UNION ALL {changes}) b "  # noqa: S608
        f"GROUP BY {_MOVE} HAVING sum(k) > 0"
    )
    moves = (
        "SELECT m.sign, m.deal_id, d.owner_id, d.source, m.id, m.to_stage_id, m.at FROM ("  # noqa: S608
        f"SELECT 1 AS sign, n.* FROM ({now}) n UNION ALL SELECT -1, b.* FROM ({before}) b) m "
        "CROSS JOIN LATERAL (SELECT owner_id, source FROM crm.deal WHERE id = m.deal_id "
        "AND archived_at IS NULL OFFSET 0) d"
    )
    # two transactions that move one deal run one after the other
    lock = (
        f"SELECT 1 FROM (SELECT deal_id FROM ({touched}) x ORDER BY 1) x CROSS JOIN LATERAL "  # noqa: S608
        "(SELECT id FROM crm.deal WHERE id = x.deal_id FOR NO KEY UPDATE) d"
    )
    return _if_any(touched, lock, COUNT_STAGES.format(moves=moves))


def _statements() -> tuple[str, ...]:
    made = []
    for table, body in (("lead", _of_lead), ("deal", _of_deal), ("stage_transition", _of_move)):
        for verb, referencing in _REFERENCING.items():
            name = f"rollup_{table}_{verb}"
            inside = ";\n".join(statement.strip() for statement in body(verb))
            made.append(
                f"CREATE FUNCTION ops.{name}() RETURNS trigger LANGUAGE plpgsql AS $body$\n"
                f"BEGIN\n{inside};\nRETURN NULL;\nEND $body$"
            )
            made.append(
                f"CREATE TRIGGER {name} AFTER {verb.upper()} ON crm.{table} "
                f"REFERENCING {referencing} FOR EACH STATEMENT EXECUTE FUNCTION ops.{name}()"
            )
    return tuple(made)


STATEMENTS = _statements()
"""What makes the triggers, in order."""
