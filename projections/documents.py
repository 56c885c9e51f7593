"""The JSON documents of runs, cards and steps, put together by PostgreSQL and passed through as bytes.

Every query answers (own version, wide version, JSON bytes). Table names are unqualified on purpose: the live views and
a past state laid over them as CTEs of the same names are read by the same text. `reach` is the systems that the reader's token is
limited to, null for no limit.
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


NUMBER = "'TR-' || lpad(t.number::text, GREATEST(4, length(t.number::text)), '0')"
SYSTEM_NAME = "(SELECT y.system_name FROM systems y WHERE y.system_id = t.system_id)"


RESTRICTED = "Issue of another system"
_TITLE = f"""CASE WHEN %(reach)s::uuid[] IS NULL OR i.system_id IS NULL OR i.system_id = ANY(%(reach)s::uuid[]) THEN i.title
        ELSE '{RESTRICTED}' END"""


def linked_issues(ids: str) -> str:
    """SQL for issue references in the order of linking; deleted issues are hidden.

    Of one outside the reader's scope the title is. That there is one, and whether it is resolved, belongs to the evidence of the run.
    """
    return f"""CASE WHEN {ids} = '{{}}' THEN '[]'::json ELSE (SELECT coalesce(json_agg(json_build_object('uuid', i.issue_id,
      'title', {_TITLE}, 'status', i.status, 'priority', i.priority) ORDER BY l.n), '[]')
      FROM unnest({ids}) WITH ORDINALITY l(id, n) JOIN issues i ON i.issue_id = l.id AND NOT i.deleted) END"""


OBSERVATION = f"""json_build_object('uuid', o.observation_id, 'text', o.text, 'observed_at', stamp(o.observed_at),
    'created_by', {email("o.created_by")}, 'created_at', stamp(o.created_at), 'updated_at', stamp(o.updated_at))"""


# What is live is asked of `members`, for an append may lay the one step that it writes over `steps`.
DATA_FILE = f"""json_build_object('uuid', f.file_id, 'file_name', f.file_name, 's3_url', f.s3_url, 'file_size', f.file_size,
    'content_type', f.content_type, 'uploaded_by', {email("f.uploaded_by")}, 'created_at', stamp(f.created_at), 'associations',
    CASE WHEN f.card_ids = '{{}}' THEN '[]'::json ELSE (SELECT coalesce(json_agg(json_build_object('test_card_id', p.card_id,
        'test_step_id', p.step_id) ORDER BY p.n), '[]') FROM unnest(f.card_ids, f.step_ids) WITH ORDINALITY p(card_id, step_id, n)
      JOIN members pc ON pc.stream_id = p.card_id AND pc.live LEFT JOIN members ps ON ps.stream_id = p.step_id
      WHERE p.step_id IS NULL OR ps.live) END,
    's3_version_id', f.s3_version_id, 's3_etag', f.s3_etag, 'sha256', f.sha256)"""
_BY_AGE = "ORDER BY f.created_at, f.recorded"

REPORT = f"""json_build_object('uuid', r.report_id, 'title', r.title, 'scope', r.scope, 'status', r.status, 'content', r.content,
    'summary', r.summary, 'issues', {linked_issues("r.issue_ids")}, 'test_data', (SELECT coalesce(json_agg({DATA_FILE} {_BY_AGE}), '[]')
      FROM files f WHERE f.file_id = ANY(r.file_ids) AND NOT f.deleted), 'job_run_id', r.job_run_id,
    'created_by', {email("r.created_by")}, 'created_at', stamp(r.created_at), 'test_card_id', r.card_id, 'test_step_id', r.step_id,
    'manifest', r.manifest, 'completed_at', CASE r.status WHEN 'completed' THEN stamp(r.ended_at) END,
    'failure_reason', r.failure_reason)"""
_REPORT_SUMMARY = """json_build_object('uuid', r.report_id, 'title', r.title, 'scope', r.scope, 'status', r.status,
    'summary', r.summary, 'created_at', stamp(r.created_at))"""
_NEWEST_FIRST = "ORDER BY r.created_at DESC, r.recorded DESC"


def step(observations: str, files: str, reports: str) -> str:
    return f"""json_build_object('uuid', s.step_id, 'title', s.title, 'description', s.description, 'order', s.position,
    'step_type', s.step_type, 'execution_status', s.status, 'exception', s.exception, 'started_at', stamp(s.started_at),
    'ended_at', stamp(s.ended_at), 'observations', {observations}, 'test_data', {files},
    'issues', {linked_issues("s.issue_ids")}, 'reports', {reports},
    'created_at', stamp(s.created_at), 'updated_at', stamp(s.updated_at))"""


STEP = step(
    f"""(SELECT coalesce(json_agg({OBSERVATION} ORDER BY o.created_at, o.recorded), '[]')
      FROM observations o WHERE o.run_id = s.run_id AND o.step_id = s.step_id AND NOT o.deleted)""",
    f"""(SELECT coalesce(json_agg({DATA_FILE} {_BY_AGE}), '[]')
      FROM files f WHERE f.run_id = s.run_id AND f.step_ids @> ARRAY[s.step_id] AND NOT f.deleted)""",
    f"""(SELECT coalesce(json_agg({_REPORT_SUMMARY} {_NEWEST_FIRST}), '[]') FROM reports r WHERE r.step_id = s.step_id)""",
)


def _gathered(only_seen: str = "", only_file: str = "", only_report: str = "") -> str:
    """What belongs to the cards and steps of a whole run or of a part of it is gathered once, not once a step."""
    return f"""seen AS MATERIALIZED (SELECT o.step_id, json_agg({OBSERVATION} ORDER BY o.created_at, o.recorded) AS list
      FROM observations o WHERE o.run_id = %(run_id)s {only_seen} AND NOT o.deleted GROUP BY o.step_id),
    filed AS MATERIALIZED (SELECT f.*, {DATA_FILE} AS doc FROM files f WHERE f.run_id = %(run_id)s {only_file} AND NOT f.deleted),
    placed AS MATERIALIZED (SELECT f.file_id, f.created_at, f.recorded, f.doc, p.card_id, p.step_id
      FROM filed f, unnest(f.card_ids, f.step_ids) p(card_id, step_id)),
    step_files AS MATERIALIZED (SELECT f.step_id, json_agg(f.doc {_BY_AGE}) AS list FROM placed f
      WHERE f.step_id IS NOT NULL GROUP BY f.step_id),
    card_files AS MATERIALIZED (SELECT f.card_id, json_agg(f.doc {_BY_AGE}) AS list FROM (
        SELECT DISTINCT ON (f.card_id, f.file_id) f.* FROM placed f LEFT JOIN steps s USING (step_id)
        WHERE f.step_id IS NULL OR NOT s.deleted) f GROUP BY f.card_id),
    told AS MATERIALIZED (SELECT r.*, {_REPORT_SUMMARY} AS doc FROM reports r WHERE r.run_id = %(run_id)s {only_report}),
    step_reports AS MATERIALIZED (SELECT r.step_id, json_agg(r.doc {_NEWEST_FIRST}) AS list FROM told r
      WHERE r.step_id IS NOT NULL GROUP BY r.step_id),
    card_reports AS MATERIALIZED (SELECT r.card_id, json_agg(r.doc {_NEWEST_FIRST}) AS list FROM told r
      WHERE r.card_id IS NOT NULL GROUP BY r.card_id)"""


_STEP_WITH_ALL = step("coalesce(seen.list, '[]')", "coalesce(step_files.list, '[]')", "coalesce(step_reports.list, '[]')")
_STEPS_WITH_ALL = "steps s LEFT JOIN seen USING (step_id) LEFT JOIN step_files USING (step_id) LEFT JOIN step_reports USING (step_id)"


def _below(only_step: str = "", only_file: str = "", only_report: str = "") -> str:
    """The same with the steps of each card."""
    return f"""{_gathered("", only_file, only_report)},
    stepped AS MATERIALIZED (SELECT s.card_id, max(s.updated_at) AS updated_at,
      json_agg({_STEP_WITH_ALL} ORDER BY s.position, s.created_at, s.step_id) FILTER (WHERE NOT s.deleted) AS list
      FROM {_STEPS_WITH_ALL} WHERE s.run_id = %(run_id)s {only_step} GROUP BY s.card_id)"""


CARD = f"""json_build_object('uuid', c.card_id, 'title', c.title, 'description', c.description, 'order', c.position,
    'test_steps', coalesce(stepped.list, '[]'), 'issues', {linked_issues("c.issue_ids")}, 'test_data', coalesce(card_files.list, '[]'),
    'reports', coalesce(card_reports.list, '[]'), 'created_at', stamp(c.created_at),
    'updated_at', stamp(GREATEST(c.updated_at, stepped.updated_at)),
    'template_id', c.template_id, 'template_version', c.template_version)"""
_CARDS_WITH_ALL = "cards c LEFT JOIN stepped USING (card_id) LEFT JOIN card_files USING (card_id) LEFT JOIN card_reports USING (card_id)"

RUN = f"""json_build_object('uuid', t.run_id, 'test_run_id', {NUMBER},
    'title', t.title, 'description', t.description, 'system_id', t.system_id, 'system_name', {SYSTEM_NAME},
    'test_cards', coalesce(carded.list, '[]'), 'test_data', (SELECT coalesce(json_agg(f.doc {_BY_AGE}), '[]') FROM filed f),
    'reports', (SELECT coalesce(json_agg({REPORT} {_NEWEST_FIRST}), '[]') FROM reports r WHERE r.run_id = %(run_id)s),
    'contributors', {emails("t.contributors")}, 'created_by', {email("t.created_by")},
    'created_at', stamp(t.created_at), 'updated_at', stamp(t.updated_at),
    'status', CASE WHEN t.closed_at IS NULL THEN 'open' ELSE 'closed' END, 'closed_at', stamp(t.closed_at),
    'asset_ids', to_json(t.asset_ids), 'issues', {linked_issues("t.issue_ids")})"""

RUN_DETAIL = f"""WITH {_below()}, carded AS MATERIALIZED (SELECT json_agg({CARD} ORDER BY c.position, c.created_at, c.card_id) AS list
    FROM {_CARDS_WITH_ALL} WHERE c.run_id = %(run_id)s AND NOT c.deleted)
  SELECT t.version, t.wide, convert_to(({RUN})::text, 'UTF8') FROM runs t CROSS JOIN carded WHERE t.run_id = %(run_id)s AND NOT t.deleted"""

_OF_CARD = _below("AND s.card_id = %(card_id)s", "AND %(card_id)s = ANY(f.card_ids)", "AND r.card_id = %(card_id)s")
CARD_DETAIL = f"""WITH {_OF_CARD}
  SELECT c.version, t.wide, convert_to(({CARD})::text, 'UTF8') FROM {_CARDS_WITH_ALL} JOIN runs t ON t.run_id = c.run_id
  WHERE c.card_id = %(card_id)s AND c.run_id = %(run_id)s AND NOT c.deleted AND NOT t.deleted"""

STEP_DETAIL = f"""SELECT s.version, t.wide, convert_to(({STEP})::text, 'UTF8')
  FROM steps s JOIN cards c USING (card_id) JOIN runs t ON t.run_id = s.run_id
  WHERE s.step_id = %(step_id)s AND s.card_id = %(card_id)s AND s.run_id = %(run_id)s AND NOT s.deleted AND NOT c.deleted AND NOT t.deleted"""

DATA_FILE_DETAIL = f"""SELECT f.version, t.wide, convert_to(({DATA_FILE})::text, 'UTF8') FROM files f JOIN runs t USING (run_id)
  WHERE f.file_id = %(file_id)s AND f.run_id = %(run_id)s AND NOT f.deleted AND NOT t.deleted"""

REPORT_DETAIL = f"""SELECT r.version, t.wide, convert_to(({REPORT})::text, 'UTF8') FROM reports r JOIN runs t USING (run_id)
  WHERE r.report_id = %(report_id)s AND r.run_id = %(run_id)s AND NOT t.deleted"""

REPORT_OF_JOB = "SELECT run_id, report_id FROM reports WHERE job_run_id = %s"

REPORT_ON_PAGE = f"""SELECT r.version, t.wide, convert_to(json_build_object('report', {REPORT}, 'run', json_build_object(
    'test_run_id', {NUMBER}, 'title', t.title, 'system_name', {SYSTEM_NAME}))::text, 'UTF8') FROM reports r JOIN runs t USING (run_id)
  WHERE r.report_id = %(report_id)s AND r.run_id = %(run_id)s AND NOT t.deleted"""

JOB_RUN = """SELECT r.version, t.wide, convert_to(json_build_object('uuid', r.job_run_id, 'job_type', 'test_run_report', 'status', r.status,
    'test_run_id', r.run_id, 'report_id', r.report_id, 'attempt', r.attempt, 'created_at', stamp(r.created_at),
    'started_at', stamp(r.started_at), 'ended_at', stamp(r.ended_at), 'error', r.failure_reason)::text, 'UTF8')
  FROM reports r JOIN runs t USING (run_id) WHERE r.job_run_id = %(job_run_id)s AND NOT t.deleted"""

OBSERVATION_DETAIL = f"""SELECT o.version, t.wide, convert_to(({OBSERVATION})::text, 'UTF8')
  FROM observations o JOIN runs t ON t.run_id = o.run_id
  WHERE o.observation_id = %(observation_id)s AND o.run_id = %(run_id)s AND NOT o.deleted"""


DETAIL = {
    Kind.RUN: RUN_DETAIL,
    Kind.CARD: CARD_DETAIL,
    Kind.STEP: STEP_DETAIL,
    Kind.OBSERVATION: OBSERVATION_DETAIL,
    Kind.FILE: DATA_FILE_DETAIL,
    Kind.REPORT: REPORT_DETAIL,
}


def _list(item: str, order: str, counted: str) -> str:
    made = f"json_build_object('items', coalesce(json_agg({item} ORDER BY {order}), '[]'), 'count', count({counted}))"
    return f"convert_to({made}::text, 'UTF8')"


OBSERVATIONS_OF_STEP = f"""SELECT 0, t.wide, (SELECT {_list(item=OBSERVATION, order="o.created_at, o.recorded", counted="o")}
    FROM observations o WHERE o.run_id = s.run_id AND o.step_id = s.step_id AND NOT o.deleted)
  FROM steps s JOIN cards c USING (card_id) JOIN runs t ON t.run_id = s.run_id
  WHERE s.step_id = %(step_id)s AND s.card_id = %(card_id)s AND s.run_id = %(run_id)s AND NOT s.deleted AND NOT c.deleted AND NOT t.deleted"""

DATA_FILES_OF_RUN = f"""SELECT 0, t.wide, (SELECT {_list(item=DATA_FILE, order="f.created_at, f.recorded", counted="f")}
    FROM files f WHERE f.run_id = t.run_id AND NOT f.deleted) FROM runs t WHERE t.run_id = %(run_id)s AND NOT t.deleted"""

REPORTS_OF_RUN = f"""SELECT 0, t.wide, (SELECT {_list(item=REPORT, order="r.created_at DESC, r.recorded DESC", counted="r")}
    FROM reports r WHERE r.run_id = t.run_id) FROM runs t WHERE t.run_id = %(run_id)s AND NOT t.deleted"""

CARDS_IN_ORDER = f"""WITH {_below()}
  SELECT 0, 0, {_list(item=CARD, order="c.position, c.created_at, c.card_id", counted="c")}
  FROM {_CARDS_WITH_ALL} WHERE c.run_id = %(run_id)s AND NOT c.deleted"""

STEPS_IN_ORDER = f"""SELECT 0, 0, {_list(item=STEP, order="s.position, s.created_at, s.step_id", counted="s")}
  FROM steps s WHERE s.run_id = %(run_id)s AND s.card_id = %(card_id)s AND NOT s.deleted"""

_OF_STEPS = _gathered("AND o.step_id = ANY(%(step_ids)s)", "AND f.step_ids && %(step_ids)s::uuid[]", "AND r.step_id = ANY(%(step_ids)s)")
STEPS_AS_SENT = f"""WITH {_OF_STEPS} SELECT 0, 0, {_list(item=_STEP_WITH_ALL, order="w.n", counted="w")}
  FROM unnest(%(step_ids)s::uuid[]) WITH ORDINALITY w(id, n) JOIN {_STEPS_WITH_ALL} ON s.step_id = w.id"""
