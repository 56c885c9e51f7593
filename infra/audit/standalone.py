"""Checks the evidence of a test run that lies beside this file. Needs Python 3.8 or later and nothing else, no network.

    python3 verify.py [--key-id ID]

Exit 0: everything holds. Exit 3: something does not; it is named. Give --key-id (from the operator, by another way than this
archive) to be sure that the signatures are theirs.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Tuple

Point = Tuple[int, int, int, int]

HERE = Path(__file__).resolve().parent
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class Bad(Exception):
    """What is wrong, with the name of the file that it is in."""


def bad_if(wrong: object, name: str, what: str) -> None:
    if wrong:
        raise Bad(f"{name}: {what}")


# Ed25519 (RFC 8032, section 5.1), verification only.
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def add(p: Point, q: Point) -> Point:
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(n: int, p: Point) -> Point:
    q = (0, 1, 1, 0)
    while n:
        if n & 1:
            q = add(q, p)
        p, n = add(p, p), n >> 1
    return q


def point(data: bytes) -> Point | None:
    """The point of 32 bytes, or None where they are none."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


BASE = point(bytes.fromhex("58" + "66" * 31)) or (0, 1, 1, 0)


def is_signed(public: bytes, text: bytes, signature: bytes) -> bool:
    a, r, s = point(public), point(signature[:32]), int.from_bytes(signature[32:], "little")
    if len(public) != 32 or len(signature) != 64 or a is None or r is None or s >= L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + text).digest(), "little") % L
    left, right = times(s, BASE), add(r, times(k, a))
    return not ((left[0] * right[2] - right[0] * left[2]) % P or (left[1] * right[2] - right[1] * left[2]) % P)


def read(name: str) -> bytes:
    try:
        return (HERE / name).read_bytes()
    except OSError as error:
        raise Bad(f"{name}: cannot be read ({error})") from None


def parse(name: str, text: bytes) -> Any:
    try:
        return json.loads(text.decode("utf-8"))
    except ValueError as error:
        raise Bad(f"{name}: is not JSON ({error})") from None


def check_files() -> tuple[Any, str]:
    """Every file is the one that the manifest names, and the manifest is whole."""
    raw = read("manifest.json")
    manifest = parse("manifest.json", raw)
    files: Any = manifest.get("files") if isinstance(manifest, dict) else None
    bad_if(not isinstance(files, dict), "manifest.json", "lists no files")
    listing = "".join(f"{digest}  {name}\n" for name, digest in sorted(files.items()))
    bad_if(manifest.get("digest") != sha(listing.encode()), "manifest.json", "its own digest does not fit")
    bad_if(raw != (json.dumps(manifest, indent=1, sort_keys=True) + "\n").encode(), "manifest.json", "was written again")
    for name, digest in sorted(files.items()):
        bad_if(sha(read(name)) != digest, name, "is not the file that was exported")
    return manifest, listing


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def check_keys(wanted: str | None) -> dict[str, bytes]:
    """Each key is vouched for by the one before it."""
    listed = parse("public-keys.json", read("public-keys.json"))
    keys: dict[str, bytes] = {}
    for place, key in enumerate(listed):
        public = bytes.fromhex(key["public_key"])
        bad_if(sha(public)[:16] != key["key_id"], "public-keys.json", "key {} has another id".format(key["key_id"]))
        keys[key["key_id"]] = public
        by: Any = keys.get(key["signed_by"])
        bad_if(by is None or (place and by == public), "public-keys.json", "nobody vouches for key {}".format(key["key_id"]))
        text = "runledger key\n{}\n{}\n{}\n{}\n".format(key["key_id"], key["public_key"], key["at"], key["signed_by"])
        bad_if(not is_signed(by, text.encode(), bytes.fromhex(key["signature"])), "public-keys.json", "a signature does not hold")
    bad_if(wanted and wanted not in keys, "public-keys.json", f"the key {wanted} is not among them")
    return keys


def check_checkpoints(keys: dict[str, bytes]) -> dict[int, Any]:
    found = {}
    for each in parse("checkpoints.json", read("checkpoints.json")):
        text = "runledger checkpoint\n%d\n%s\n%s\n%s\n" % (each["seq"], each["chain_hash"], each["at"], each["key_id"])
        bad_if(each["key_id"] not in keys, "checkpoints.json", "key {} is unknown".format(each["key_id"]))
        good = is_signed(keys[each["key_id"]], text.encode(), bytes.fromhex(each["signature"]))
        bad_if(not good, "checkpoints.json", "the signature at position %d does not hold" % each["seq"])
        found[each["seq"]] = each
    return found


def event_hash(e: Any, state: bytes, metadata: bytes) -> str:
    moment = datetime.strptime(e["recorded_at"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)
    micros = (moment - EPOCH) // timedelta(microseconds=1)
    header = '[%d,%d,"%s",%d,"%s",%d,%s,%s,%d,%d,%d]' % (
        e["xid"], e["notification_id"], e["originator_id"], e["originator_version"], e["root_id"], e["root_version"],
        json.dumps(e["kind"], ensure_ascii=False), json.dumps(e["topic"], ensure_ascii=False), e["schema_number"], micros, len(state),
    )  # fmt: skip
    return sha(header.encode() + b"\n" + state + metadata)


def check_events(run_id: str) -> list[tuple[Any, Any]]:
    """Hashes from the stored bytes; versions 1..n of the run and of each thing in it; positions and times in order."""
    events: list[tuple[Any, Any]] = []
    versions: dict[str, int] = {}
    before: Any = None
    for number, line in enumerate(read("events.ndjson").splitlines(), 1):
        e = parse("events.ndjson", line)
        where = "the event at position %s (line %d)" % (e["position"], number)
        state, metadata = (base64.b64decode(e[name + "_base64"]) for name in ("state", "metadata"))
        bad_if(event_hash(e, state, metadata) != e["event_hash"], "events.ndjson", f"{where} has another hash")
        bad_if(e["root_id"] != run_id or e["root_version"] != number, "events.ndjson", f"before {where} one is missing")
        versions[e["originator_id"]] = versions.get(e["originator_id"], 0) + 1
        bad_if(e["originator_version"] != versions[e["originator_id"]], "events.ndjson", f"before {where} one is missing")
        if before:
            late = e["position"] <= before["position"] or e["recorded_at"] < before["recorded_at"]
            bad_if(late, "events.ndjson", f"{where} stands at the wrong place")
        before = e
        events.append((e, parse("events.ndjson", state)))
    bad_if(not events, "events.ndjson", "holds no event")
    return events


def check_chain(events: list[tuple[Any, Any]], checkpoints: dict[int, Any]) -> None:
    """From each event along the chain to a signed checkpoint."""
    chain = parse("chain.json", read("chain.json"))
    wanted = {e["position"]: e for e, _ in events}
    for link in chain["events"]:
        e = wanted.get(link["position"])
        strange = e is None or link["event_hash"] != e["event_hash"]
        bad_if(strange, "chain.json", "position {} is no event of the run".format(link["position"]))
        bad_if(
            sha(bytes.fromhex(link["before"] + link["event_hash"])) != link["chain_hash"],
            "chain.json",
            "breaks at {}".format(link["position"]),
        )
    links = {link["position"]: link for link in chain["events"]}
    bad_if(set(links) != set(wanted), "chain.json", "has not every event of the run")
    for segment in chain["segments"]:
        position, value = segment["first"], segment["before"]
        for digest in segment["event_hashes"]:
            if position in wanted:
                differs = links[position]["before"] != value or digest != wanted.pop(position)["event_hash"]
                bad_if(differs, "chain.json", "differs at %d" % position)
            value, position = sha(bytes.fromhex(value + digest)), position + 1
        checkpoint: Any = checkpoints.get(segment["checkpoint"])
        bad_if(checkpoint is None or position - 1 != checkpoint["seq"], "chain.json", "leads to no checkpoint")
        bad_if(value != checkpoint["chain_hash"], "chain.json", "does not lead to the chain hash signed at %d" % checkpoint["seq"])
    bad_if(wanted, "chain.json", f"position {min(wanted or [0])} leads to no checkpoint")


TEXTS = ("title", "description", "status", "exception")
PINNED = ("file_name", "s3_url", "file_size", "s3_version_id", "s3_etag", "sha256")


def fold(events: list[tuple[Any, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The texts, outcomes and presence of the run, its cards and its steps, as the events say."""
    things: dict[str, Any] = {}
    parts: dict[str, Any] = {}
    for e, event in events:
        thing, deed = e["topic"].split(".")
        if thing in ("observation", "issue", "file", "report"):
            continue
        now = things.setdefault(e["originator_id"], {"kind": e["kind"], "live": True, "closed": False})
        now.update({name: event[name] for name in TEXTS if event.get(name) is not None})
        if deed == "added":
            parts[e["originator_id"]] = event.get("card_id", "")
        if deed == "outcome_recorded":
            now["exception"] = event.get("exception")
        if deed in ("deleted", "restored"):
            now["live"] = deed == "restored"
        if deed in ("closed", "reopened"):
            now["closed"] = deed == "closed"
    return things, parts


def check_document(events: list[tuple[Any, Any]], run_id: str) -> None:
    """run.json is a rendering for people; its texts and outcomes are compared with the events."""
    run = parse("run.json", read("run.json"))
    things, parts = fold(events)
    shown: Any = {run["uuid"]: (run["title"], run["description"])}
    bad_if((run["status"] == "closed") != things[run_id]["closed"], "run.json", "is not open or closed as the events say")
    for card in run["test_cards"]:
        shown[card["uuid"]] = card["title"], card["description"]
        for step in card["test_steps"]:
            shown[step["uuid"]] = step["title"], step["description"], step["execution_status"], step["exception"]
    for stream, now in things.items():
        if stream != run_id and not (now["live"] and things.get(parts.get(stream, ""), {"live": True})["live"]):
            continue
        told: Any = now["title"], now["description"]
        if now["kind"] == "step":
            told += now.get("status", "todo"), now.get("exception")
        bad_if(shown.pop(stream, None) != told, "run.json", "{} {} is not as the events say".format(now["kind"], stream))
    bad_if(shown, "run.json", "shows what no event made: {}".format(", ".join(shown)))


def check_data_files(events: list[tuple[Any, Any]]) -> None:
    """files.json names the objects as they were pinned, with their digests where they were read."""
    told: dict[str, Any] = {}
    for e, event in events:
        if e["topic"].startswith("file."):
            file = told.setdefault(e["originator_id"], {"sha256": None, "gone": False})
            file.update(event, gone=e["topic"] == "file.deleted" or (file["gone"] and e["topic"] != "file.restored"))
    shown = {f["uuid"]: [f[name] for name in PINNED] for f in parse("files.json", read("files.json"))}
    listed = {i: [f[name] for name in PINNED] for i, f in told.items() if not f["gone"]}
    bad_if(shown != listed, "files.json", "is not as the events say")


def verify(wanted: str | None) -> None:
    manifest, listing = check_files()
    keys = check_keys(wanted)
    checkpoints = check_checkpoints(keys)
    events = check_events(manifest["run_id"])
    check_chain(events, checkpoints)
    check_document(events, manifest["run_id"])
    check_data_files(events)
    signature = manifest["signature"]
    if signature:
        text = ("runledger evidence\n{}\n".format(manifest["run_id"]) + listing).encode()
        good = manifest["key_id"] in keys and is_signed(keys[manifest["key_id"]], text, bytes.fromhex(signature))
        bad_if(not good, "manifest.json", "its signature does not hold")
    last = max(checkpoints.values(), key=lambda c: c["seq"])
    print("%s: %d events, versions 1 to %d, positions %d to %d." % (
        manifest["run"], len(events), len(events), events[0][0]["position"], events[-1][0]["position"]))  # fmt: skip
    print("Signed up to position %d at %s." % (last["seq"], last["at"]))
    print("Signing keys: {}. {}".format(", ".join(keys), "" if wanted else "Compare one with what the operator told you by another way."))
    print("The whole archive is signed." if signature else "The archive as a whole is not signed; its events are.")


def main(arguments: list[str]) -> int:
    wanted = arguments[1] if arguments[:1] == ["--key-id"] and len(arguments) == 2 else None
    if arguments and not wanted:
        print(__doc__)
        return 2
    try:
        verify(wanted)
    except Bad as problem:
        print(f"VERDICT: NOT GOOD. {problem}")
        return 3
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        print(f"VERDICT: NOT GOOD. The archive does not have the form of an evidence archive ({problem!r}).")
        return 3
    print("VERDICT: GOOD. Nothing in this evidence was changed since it was recorded.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
