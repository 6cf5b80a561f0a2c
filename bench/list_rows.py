"""Leads for the lists' measures, written by SQL: what people are like, how often which value comes.

All people are invented. Values are skewed as in a team's CRM: few statuses, two hundred tags of
which some are rare, custom fields of every type on a third of the leads, tickets of one in twenty.
Rows lie in the order in which they came, as in life.
"""

from sqlalchemy import Connection, text

from hub.actions.context import Context, MachineOwner
from hub.actions.setup import custom_field
from hub.clock import SystemClock
from hub.crm.custom_fields import TYPES, WITH_CHOICES, CustomField

USERS = 40
TIERS = ("Bronze", "Silver", "Gold", "Platinum")

_TEAM = """
INSERT INTO crm."user" (email, name, is_active, timezone, managed_by, role)
SELECT 'rep' || g || '@team.example.com', 'Rep ' || g, true, 'Europe/Paris', 'yaml', 'admin'
FROM generate_series(1, :users) g
"""
_ENTITIES = """
INSERT INTO ops.entity (kind, anchor_id, batch_id, lane, version, folded_version)
SELECT 'person', 0, 1, 'bulk', 1, 1 FROM generate_series(1, :n)
"""
# r1 … r9 and the rest are even in 0..1 and do not depend on each other; power() makes the first values common
_LEADS = r"""
INSERT INTO crm.lead (entity_id, first_name, last_name, email, phone, organization_name, title, industry,
  description, city, country, postal_code, lead_source, tags, custom_fields, created_at, owner_id, status,
  last_activity_at, last_communication_at, next_task_at, converted_at, lane, batch_id)
SELECT e.id, initcap(first), initcap(last), lower(first || '.' || last || e.id % 977 || '@' || firm || '.example.com'),
  '+336' || lpad((e.id * 7919 % 100000000)::text, 8, '0'), initcap(firm) || (ARRAY[' SA',' GmbH',' Ltd',' SARL',''])[1 + (r1 * 5)::int % 5],
  (ARRAY['CEO','CTO','Buyer','Head of Sales','Engineer','Office Manager','Founder'])[1 + (r2 * 7)::int % 7],
  'Industry ' || (power(r3, 2) * 40)::int, 'Met at stand ' || (r4 * 1000)::int || ', wants ' || (r5 * 500)::int || ' seats',
  initcap(town), (ARRAY['FR','DE','ES','IT','BE','NL','GB','US','PT','SE'])[1 + (power(r7, 2) * 9.99)::int],
  lpad((r1 * 99999)::int::text, 5, '0'), (ARRAY['Web','Facebook','Fair','Referral','Mailchimp','Call'])[1 + (power(r8, 2) * 5.99)::int],
  CASE WHEN r9 < 0.6 THEN jsonb_build_array('tag' || (power(r2, 3) * 200)::int, 'tag' || (power(r3, 3) * 200)::int) END,
  CASE WHEN r4 < 0.35 THEN jsonb_build_object(
    'score', (r5 * 1000)::int, 'code', 'C' || (r6 * 1000000)::int, 'pitch', 'likes ' || (r7 * 300)::int,
    'is_partner', r8 < 0.1, 'renewal', (date '2025-01-01' + (r9 * 1000)::int)::text,
    'demo_at', to_char(timestamp '2025-01-01' + r1 * interval '1000 days', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
    'second_email', 'x' || (r2 * 1000000)::int || '@other.example.com', 'hotline', '+4930' || (r3 * 10000000)::int,
    'site', 'https://' || firm || '.example.com', 'shipping', jsonb_build_object('city', initcap(town)),
    'tier', (ARRAY['Bronze','Silver','Gold','Platinum'])[1 + (power(r5, 2) * 3.99)::int],
    'interests', jsonb_build_array((ARRAY['Bronze','Silver','Gold','Platinum'])[1 + (r6 * 3.99)::int])) END,
  :now - power(1 - (e.id - low) / (:n + 0.5), 2) * interval '1000 days' - late * interval '2 days', CASE WHEN owned < 0.9 THEN :first + (power(whose, 1.5) * (:users - 1))::int END,
  CASE WHEN r4 < 0.5 THEN 'New' WHEN r4 < 0.8 THEN 'Working' WHEN r4 < 0.9 THEN 'Qualified' ELSE 'Unqualified' END,
  CASE WHEN r5 < 0.6 THEN :now - power(r6, 2) * interval '700 days' END,
  CASE WHEN r5 < 0.5 THEN :now - power(r7, 2) * interval '700 days' END,
  CASE WHEN r8 < 0.25 AND mod(e.id, 20) <> 7 THEN :now + (r9 - 0.3) * interval '60 days' END,
  CASE WHEN mod(e.id, 20) = 7 THEN :now END, 'bulk', 1
FROM ops.entity e CROSS JOIN (SELECT min(id) AS low FROM ops.entity) x CROSS JOIN LATERAL (
  SELECT h[1] r1, h[2] r2, h[3] r3, h[4] r4, h[5] r5, h[6] r6, h[7] r7, h[8] r8, h[9] r9, h[10] owned, h[11] whose, h[21] late,
    (ARRAY['anna','jean','lukas','maria','pierre','sofia','thomas','élodie','nils','chiara','zoë','paul'])[1 + (h[12] * 11.99)::int]
      || (ARRAY['','-lou','ine','ette','o'])[1 + (h[13] * 4.99)::int] AS first,
    syllable[1 + (h[14] * 19.99)::int] || syllable[1 + (h[15] * 19.99)::int] || syllable[1 + (h[16] * 19.99)::int] AS last,
    syllable[1 + (h[17] * 19.99)::int] || syllable[1 + (h[18] * 19.99)::int] || syllable[1 + (h[19] * 19.99)::int] AS firm,
    syllable[1 + (power(h[20], 2) * 19.99)::int] || syllable[1 + (power(h[16], 2) * 19.99)::int] || 'burg' AS town
  FROM (SELECT array_agg((('x' || substr(md5(e.id || '/' || g), 1 + 7 * part, 7))::bit(28)::int / 268435456.0)::float8
      ORDER BY g, part) h,
    ARRAY['mar','ten','ber','gau','dur','lin','sch','vel','tor','ris','ko','wal','ner','dis','ham','pet','ros','che','fon','bau'] syllable
    FROM generate_series(1, 6) g, generate_series(0, 3) part) hashed) v
ORDER BY e.id
"""
_TICKETS = (
    """
INSERT INTO landing.raw (batch_id, source, stream, source_id, op, at, version, hash, payload)
SELECT 1, 'zendesk', 'tickets', id::text, 'upsert', now(), '1', '\\x00', '{}' FROM crm.lead WHERE id % 20 = 0
""",
    """
INSERT INTO ops.source_record (source, stream, source_id, target, raw_id, batch_id, lane, mapping_version,
  trust, canonical, canonical_hash)
SELECT source, stream, source_id, 'ticket', id, 1, 'bulk', '1', 'trusted', '{}', hash FROM landing.raw
""",
    """
INSERT INTO crm.ticket (record_id, source, source_id, entity_id, status)
SELECT s.id, s.source, s.source_id, l.entity_id, CASE WHEN s.id % 4 = 0 THEN 'open' ELSE 'closed' END
FROM ops.source_record s JOIN crm.lead l ON l.id = s.source_id::bigint
""",
)
_DEFINITIONS = text(
    "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'crm' AND tablename = 'lead' "
    "AND indexname LIKE 'lead\\_%'"
)
NAMES = {
    "number": "score", "string": "code", "text": "pitch", "bool": "is_partner", "date": "renewal",
    "datetime": "demo_at", "email": "second_email", "phone": "hotline", "url": "site",
    "address": "shipping", "list": "tier", "multi_select_list": "interests",
}  # fmt: skip


def seed(owner: Connection, n: int, now: object) -> None:
    """Write `n` leads with their team, custom fields and tickets; indexes are made after.

    Args:
        owner: a connection of the role that owns the tables, in a transaction.
        n: how many leads.
        now: an aware moment; dates are around it.
    """
    owner.execute(text(_TEAM), {"users": USERS})
    bench = Context(owner, MachineOwner("bench"), SystemClock())
    for type_ in TYPES:
        choices = TIERS if type_ in WITH_CHOICES else ()
        key = NAMES[type_]
        custom_field.add(bench, CustomField("lead", key, key, type_, choices))
    first = owner.execute(text('SELECT min(id) FROM crm."user"')).scalar_one()
    definitions = owner.execute(_DEFINITIONS).all()
    for row in definitions:
        owner.exec_driver_sql(f"DROP INDEX crm.{row.indexname}")
    owner.execute(text(_ENTITIES), {"n": n})
    owner.execute(text(_LEADS), {"now": now, "users": USERS, "first": first, "n": n})
    for statement in _TICKETS:
        owner.execute(text(statement))
    owner.exec_driver_sql("SET LOCAL maintenance_work_mem = '1GB'")
    for row in definitions:
        owner.exec_driver_sql(row.indexdef)
