"""What a verification found: damage with its position, and what only deserves a note."""

import msgspec

PROBLEMS_MAX = 100  # more are counted, not kept


class Problem(msgspec.Struct, frozen=True):
    """Damage. `position` is None where it has none, for example in a view."""

    position: int | None
    kind: str
    detail: str


class Findings:
    """Collected by every check of one verification."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.count = 0
        self.notes: list[str] = []

    def add(self, position: int | None, kind: str, detail: str) -> None:
        self.count += 1
        if len(self.problems) < PROBLEMS_MAX:
            self.problems.append(Problem(position, kind, detail))

    def more(self) -> None:
        """One more problem, beyond those kept."""
        self.count += 1

    def note(self, text: str) -> None:
        self.notes.append(text)

    def in_order(self) -> list[Problem]:
        """The problems kept, lowest position first; those without one come last."""
        return sorted(self.problems, key=lambda p: (p.position is None, p.position or 0))
