"""The JSON documents of runs, cards and steps, put together by PostgreSQL and passed through as bytes.

Every query answers (own version, wide version, JSON bytes). Table names are unqualified on purpose: the live views and
a past state laid over them as CTEs of the same names are read by the same text.
"""

from domain.facts import Kind

EMAIL = "COALESCE((SELECT u.email FROM users u WHERE u.actor_id = {actor}), 'erased-user-' || left({actor}::text, 8))"


def email(actor: str) -> str:
    """SQL for the e-mail of an actor as it is today, or the name of an erased one."""
    return EMAIL.replace("{actor}", actor)


def emails(actors: str) -> str:
    """SQL for the JSON array of e-mails of an array of actors, in its order."""
    one = email("a.id")
    return f"(SELECT coalesce(json_agg({one} ORDER BY a.n), '[]') FROM unnest({actors}) WITH ORDINALITY a(id, n))"


def linked_issues(ids: str) -> str:
    """SQL for issue references in the order of linking; deleted issues are hidden."""
    return f"""CASE WHEN {ids} = '{{}}' THEN '[]'::json ELSE (SELECT coalesce(json_agg(json_build_object('uuid', i.issue_id, 'title', i.title,
      'status', i.status, 'priority', i.priority) ORDER BY l.n), '[]')
      FROM unnest({ids}) WITH ORDINALITY l(id, n) JOIN issues i ON i.issue_id = l.id AND NOT i.deleted) END"""


OBSERVATION = f"""json_build_object('uuid', o.observation_id, 'text', o.text, 'observed_at', stamp(o.observed_at),
    'created_by', {email("o.created_by")}, 'created_at', stamp(o.created_at), 'updated_at', stamp(o.updated_at))"""


def step(observations: str) -> str:
    return f"""json_build_object('uuid', s.step_id, 'title', s.title, 'description', s.description, 'order', s.position,
    'step_type', s.step_type, 'execution_status', s.status, 'exception', s.exception, 'started_at', stamp(s.started_at),
    'ended_at', stamp(s.ended_at), 'observations', {observations}, 'test_data', '[]'::json,
    'issues', {linked_issues("s.issue_ids")}, 'reports', '[]'::json,
    'created_at', stamp(s.created_at), 'updated_at', stamp(s.updated_at))"""


_STEP_OBSERVATIONS = f"""(SELECT coalesce(json_agg({OBSERVATION} ORDER BY o.created_at, o.recorded), '[]')
    FROM observations o WHERE o.run_id = s.run_id AND o.step_id = s.step_id AND NOT o.deleted)"""

# Observations of a whole run or card are gathered once, not once a step.
_GATHERED = f"""seen AS MATERIALIZED (SELECT o.step_id, json_agg({OBSERVATION} ORDER BY o.created_at, o.recorded) AS list
    FROM observations o WHERE o.run_id = %(run_id)s AND NOT o.deleted GROUP BY o.step_id)"""


def _card_steps(only: str = "") -> str:
    return f"""stepped AS MATERIALIZED (SELECT s.card_id, max(s.updated_at) AS updated_at,
    json_agg({step("coalesce(seen.list, '[]')")} ORDER BY s.position, s.created_at, s.step_id) FILTER (WHERE NOT s.deleted) AS list
    FROM steps s LEFT JOIN seen USING (step_id) WHERE s.run_id = %(run_id)s {only} GROUP BY s.card_id)"""


CARD = f"""json_build_object('uuid', c.card_id, 'title', c.title, 'description', c.description, 'order', c.position,
    'test_steps', coalesce(stepped.list, '[]'), 'issues', {linked_issues("c.issue_ids")}, 'test_data', '[]'::json, 'reports', '[]'::json,
    'created_at', stamp(c.created_at), 'updated_at', stamp(GREATEST(c.updated_at, stepped.updated_at)),
    'template_id', c.template_id, 'template_version', c.template_version)"""

_CARDS = f"""carded AS MATERIALIZED (SELECT json_agg({CARD} ORDER BY c.position, c.created_at, c.card_id) AS list
    FROM cards c LEFT JOIN stepped USING (card_id) WHERE c.run_id = %(run_id)s AND NOT c.deleted)"""

RUN = f"""json_build_object('uuid', t.run_id, 'test_run_id', 'TR-' || lpad(t.number::text, GREATEST(4, length(t.number::text)), '0'),
    'title', t.title, 'description', t.description, 'system_id', t.system_id,
    'system_name', (SELECT y.system_name FROM systems y WHERE y.system_id = t.system_id),
    'test_cards', coalesce(carded.list, '[]'), 'test_data', '[]'::json, 'reports', '[]'::json,
    'contributors', {emails("t.contributors")}, 'created_by', {email("t.created_by")},
    'created_at', stamp(t.created_at), 'updated_at', stamp(t.updated_at),
    'status', CASE WHEN t.closed_at IS NULL THEN 'open' ELSE 'closed' END, 'closed_at', stamp(t.closed_at),
    'asset_ids', to_json(t.asset_ids), 'issues', {linked_issues("t.issue_ids")})"""

RUN_DETAIL = f"""WITH {_GATHERED}, {_card_steps()}, {_CARDS}
  SELECT t.version, t.wide, convert_to(({RUN})::text, 'UTF8') FROM runs t CROSS JOIN carded WHERE t.run_id = %(run_id)s AND NOT t.deleted"""

CARD_DETAIL = f"""WITH {_GATHERED}, {_card_steps("AND s.card_id = %(card_id)s")}
  SELECT c.version, t.wide, convert_to(({CARD})::text, 'UTF8')
  FROM cards c JOIN runs t USING (run_id) LEFT JOIN stepped USING (card_id)
  WHERE c.card_id = %(card_id)s AND c.run_id = %(run_id)s AND NOT c.deleted AND NOT t.deleted"""

STEP_DETAIL = f"""SELECT s.version, t.wide, convert_to(({step(_STEP_OBSERVATIONS)})::text, 'UTF8')
  FROM steps s JOIN cards c USING (card_id) JOIN runs t ON t.run_id = s.run_id
  WHERE s.step_id = %(step_id)s AND s.card_id = %(card_id)s AND s.run_id = %(run_id)s AND NOT s.deleted AND NOT c.deleted AND NOT t.deleted"""

OBSERVATION_DETAIL = f"""SELECT o.version, t.wide, convert_to(({OBSERVATION})::text, 'UTF8')
  FROM observations o JOIN runs t ON t.run_id = o.run_id
  WHERE o.observation_id = %(observation_id)s AND o.run_id = %(run_id)s AND NOT o.deleted"""


DETAIL = {Kind.RUN: RUN_DETAIL, Kind.CARD: CARD_DETAIL, Kind.STEP: STEP_DETAIL, Kind.OBSERVATION: OBSERVATION_DETAIL}


def _list(item: str, order: str, counted: str) -> str:
    made = f"json_build_object('items', coalesce(json_agg({item} ORDER BY {order}), '[]'), 'count', count({counted}))"
    return f"convert_to({made}::text, 'UTF8')"


OBSERVATIONS_OF_STEP = f"""SELECT 0, t.wide, (SELECT {_list(item=OBSERVATION, order="o.created_at, o.recorded", counted="o")}
    FROM observations o WHERE o.run_id = s.run_id AND o.step_id = s.step_id AND NOT o.deleted)
  FROM steps s JOIN cards c USING (card_id) JOIN runs t ON t.run_id = s.run_id
  WHERE s.step_id = %(step_id)s AND s.card_id = %(card_id)s AND s.run_id = %(run_id)s AND NOT s.deleted AND NOT c.deleted AND NOT t.deleted"""

CARDS_IN_ORDER = f"""WITH {_GATHERED}, {_card_steps()}
  SELECT 0, 0, {_list(item=CARD, order="c.position, c.created_at, c.card_id", counted="c")}
  FROM cards c LEFT JOIN stepped USING (card_id) WHERE c.run_id = %(run_id)s AND NOT c.deleted"""

STEPS_IN_ORDER = f"""SELECT 0, 0, {_list(item=step(_STEP_OBSERVATIONS), order="s.position, s.created_at, s.step_id", counted="s")}
  FROM steps s WHERE s.run_id = %(run_id)s AND s.card_id = %(card_id)s AND NOT s.deleted"""

STEPS_AS_SENT = f"""SELECT 0, 0, {_list(item=step(_STEP_OBSERVATIONS), order="w.n", counted="w")}
  FROM unnest(%(step_ids)s::uuid[]) WITH ORDINALITY w(id, n) JOIN steps s ON s.step_id = w.id"""
