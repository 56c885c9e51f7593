"""What differs between two API documents, in sentences, and whether it breaks a client that was written for the first.

A client sends requests and reads answers, so the same change means opposite things in both: a request may ask for less and an answer
may tell more. What is described in words only, such as summaries and examples, counts as neither.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

Node = dict[str, Any]

WORDS = {"description", "summary", "title", "example", "examples", "tags", "default"}
LOWER = {"minimum", "minLength", "minItems", "exclusiveMinimum"}
UPPER = {"maximum", "maxLength", "maxItems", "exclusiveMaximum"}


class Change(NamedTuple):
    where: str
    what: str
    breaking: bool

    def __str__(self) -> str:
        return f"{'BREAKING' if self.breaking else 'compatible'}  {self.where}: {self.what}"


def between(old: Node, new: Node) -> list[Change]:
    """Breaking ones first; a difference in words alone is told once a place."""
    found = [*_paths(old, new), *_words(old, new, ())]
    return sorted(dict.fromkeys(found), key=lambda change: (not change.breaking, change.where))


def _paths(old: Node, new: Node) -> Iterator[Change]:
    before = {f"{method.upper()} {path}": op for path, ops in old["paths"].items() for method, op in ops.items()}
    after = {f"{method.upper()} {path}": op for path, ops in new["paths"].items() for method, op in ops.items()}
    yield from (Change(name, "the route is gone", True) for name in before.keys() - after.keys())
    yield from (Change(name, "a new route", False) for name in after.keys() - before.keys())
    comparison = Comparison(old, new)
    for name in sorted(before.keys() & after.keys()):
        yield from comparison.operation(name, before[name], after[name])


def _words(old: Any, new: Any, at: tuple[str, ...]) -> Iterator[Change]:
    """Whatever is told in words, or is neither parameter, body nor response; the rest is compared by its meaning."""
    match old, new:
        case dict(), dict():
            for name in sorted(old.keys() | new.keys()):
                yield from _words(old.get(name), new.get(name), (*at, name))
        case _ if old != new:
            told = [
                i for i, part in enumerate(at) if part in {*WORDS, "links"} and at[i - 1] != "properties"
            ]  # a member may be called title
            if not told and at[0] not in ("info", "openapi"):
                return
            cut = told[0] if told else len(at) - 1
            yield Change("/".join(at[: cut + 1]), "other words" if at[0] != "info" else f"{old} became {new}", False)


class Comparison:
    """Two documents, walked together from the routes down; references are followed."""

    def __init__(self, old: Node, new: Node) -> None:
        self.old, self.new = old, new
        self.seen: set[tuple[str, str, bool]] = set()

    def operation(self, name: str, old: Node, new: Node) -> Iterator[Change]:
        if old["operationId"] != new["operationId"]:
            yield Change(name, f"the operation {old['operationId']} is called {new['operationId']}", True)
        if old["security"] != new["security"]:
            yield Change(name, f"security {old['security']} became {new['security']}", True)
        yield from self._parameters(name, old, new)
        yield from self._body(name, old.get("requestBody"), new.get("requestBody"))
        before, after = old["responses"], new["responses"]
        yield from (Change(name, f"status {status} is gone", True) for status in before.keys() - after.keys())
        yield from (Change(name, f"status {status} is new", status.startswith("2")) for status in after.keys() - before.keys())
        for status in before.keys() & after.keys():
            if place := self._place(f"{name} {status}", before[status], after[status], sent=False):
                yield from self._response(place, self._at(self.old, before[status]), self._at(self.new, after[status]))

    def _parameters(self, name: str, old: Node, new: Node) -> Iterator[Change]:
        before, after = self._named(self.old, old), self._named(self.new, new)
        yield from (Change(name, f"the {key} is gone", True) for key in before.keys() - after.keys())
        for key in after.keys() - before.keys():
            needed = self._at(self.new, after[key])["required"]
            yield Change(name, f"a new {key}{', required' if needed else ''}", needed)
        for key in before.keys() & after.keys():
            if place := self._place(f"{name} {key}", before[key], after[key], sent=True):
                asked, asks = self._at(self.old, before[key]), self._at(self.new, after[key])
                if asked["required"] != asks["required"]:
                    yield Change(place, f"the {key} is {'required' if asks['required'] else 'optional'} now", asks["required"])
                yield from self.schema(place, asked["schema"], asks["schema"], sent=True)

    def _named(self, document: Node, operation: Node) -> Node:
        """The parameters of an operation, as they stand there, by place and name."""
        found = ((self._at(document, node), node) for node in operation["parameters"])
        return {f"{parameter['in']} parameter {parameter['name']}": node for parameter, node in found}

    def _body(self, name: str, old: Node | None, new: Node | None) -> Iterator[Change]:
        if old is None or new is None:
            if old != new:
                yield Change(
                    name, "a body is taken now" if old is None else "no body is taken any more", old is not None or new["required"]
                )
            return
        if old["required"] != new["required"]:
            yield Change(name, f"the body is {'required' if new['required'] else 'optional'} now", new["required"])
        yield from self._content(f"{name} body", old, new, sent=True)

    def _response(self, name: str, old: Node, new: Node) -> Iterator[Change]:
        before, after = old.get("headers", {}), new.get("headers", {})
        yield from (Change(name, f"the header {header} is gone", True) for header in before.keys() - after.keys())
        yield from (Change(name, f"a new header {header}", False) for header in after.keys() - before.keys())
        for header in before.keys() & after.keys():
            if place := self._place(f"{name} header {header}", before[header], after[header], sent=False):
                told, tells = self._at(self.old, before[header]), self._at(self.new, after[header])
                if told["required"] != tells["required"]:
                    yield Change(place, f"the header {header} is {'always' if tells['required'] else 'not always'} there", told["required"])
                yield from self.schema(place, told["schema"], tells["schema"], sent=False)
        yield from self._content(name, old, new, sent=False)

    def _content(self, name: str, old: Node, new: Node, *, sent: bool) -> Iterator[Change]:
        before, after = old.get("content", {}), new.get("content", {})
        yield from (Change(name, f"the media type {media} is gone", True) for media in before.keys() - after.keys())
        yield from (Change(name, f"a new media type {media}", False) for media in after.keys() - before.keys())
        for media in before.keys() & after.keys():
            yield from self.schema(name, before[media]["schema"], after[media]["schema"], sent=sent)

    def schema(self, where: str, old: Node, new: Node, *, sent: bool) -> Iterator[Change]:
        """`sent`: by the client, so that less allowed is what breaks; otherwise more possible is, but for further members."""
        place = self._place(where, old, new, sent=sent)
        if place is None:
            return
        where, old, new = place, self._at(self.old, old), self._at(self.new, new)
        yield from self._limits(where, old, new, sent=sent)
        yield from self._members(where, old, new, sent=sent)
        for key in ("items", "additionalProperties"):
            if isinstance(old.get(key), dict) and isinstance(new.get(key), dict):
                yield from self.schema(f"{where}/*", old[key], new[key], sent=sent)
        before, after = old.get("anyOf", []), new.get("anyOf", [])
        if len(before) != len(after):
            yield Change(where, f"one of {len(before)} kinds became one of {len(after)}", (len(after) < len(before)) == sent)
        for one, other in zip(before, after, strict=False):
            yield from self.schema(where, one, other, sent=sent)

    def _limits(self, where: str, old: Node, new: Node, *, sent: bool) -> Iterator[Change]:
        for key in sorted((old.keys() | new.keys()) - WORDS - {"$ref", "properties", "required", "items", "anyOf"}):
            before, after = old.get(key), new.get(key)
            if before == after or (isinstance(before, dict) and isinstance(after, dict)):
                continue
            if key == "enum" and before and after:
                yield from (Change(where, f"the value {value!r} is gone", sent) for value in before if value not in after)
                yield from (Change(where, f"a new value {value!r}", not sent) for value in after if value not in before)
                continue
            narrower = _narrower(key, before, after)
            yield Change(where, f"{key}: {before} became {after}", narrower is None or narrower == sent)

    def _members(self, where: str, old: Node, new: Node, *, sent: bool) -> Iterator[Change]:
        before, after = old.get("properties", {}), new.get("properties", {})
        needed, needs = set(old.get("required", [])), set(new.get("required", []))
        yield from (Change(where, f"the member {name} is gone", True) for name in before.keys() - after.keys())
        for name in after.keys() - before.keys():
            yield Change(where, f"a new member {name}{', required' if name in needs and sent else ''}", sent and name in needs)
        for name in before.keys() & after.keys():
            if (name in needed) != (name in needs):
                yield Change(where, f"the member {name} is {'required' if name in needs else 'optional'} now", (name in needs) == sent)
            yield from self.schema(f"{where}/{name}", before[name], after[name], sent=sent)

    def _place(self, where: str, old: Node, new: Node, *, sent: bool) -> str | None:
        """What to call a place: what many share by its own name and once a direction; None where it was seen."""
        pair = old.get("$ref", ""), new.get("$ref", ""), sent
        if not (pair[0] and pair[1]):
            return where
        if pair in self.seen:
            return None
        self.seen.add(pair)
        return pair[0].rsplit("/", 1)[-1] + (" as sent" if sent else " as answered")

    def _at(self, document: Node, node: Node) -> Node:
        """The node, or what it refers to."""
        if "$ref" not in node:
            return node
        found = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        return found


def _narrower(key: str, before: Any, after: Any) -> bool | None:
    """Whether a rule allows less than it did; None: it cannot be told, as for another type or pattern."""
    if before is None or after is None:
        return before is None
    if key in LOWER:
        return bool(after > before)
    if key in UPPER:
        return bool(after < before)
    return None
