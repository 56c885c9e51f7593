"""What a view table is: the one declaration behind its DDL, its live writes and its rebuild."""

from typing import NamedTuple


class Table(NamedTuple):
    """`key` is the column that identifies a row, `root` the one that names the record it belongs to.

    `indexes` are what follows CREATE INDEX ON <table>; `options` are storage parameters. `made` are columns that PostgreSQL
    makes of the others.
    """

    name: str
    key: str
    root: str
    columns: dict[str, str]
    indexes: tuple[str, ...] = ()
    options: str = ""
    made: dict[str, str] = {}

    def bare(self) -> str:
        """The table without key and indexes: what a bulk load wants."""
        columns = ", ".join(f"{name} {kind}" for name, kind in (self.columns | self.made).items())
        return f"CREATE TABLE {self.name} ({columns})" + (f" WITH ({self.options})" if self.options else "")

    def keys(self) -> list[str]:
        """The statements that add key and indexes."""
        return [f"ALTER TABLE {self.name} ADD PRIMARY KEY ({self.key})"] + [f"CREATE INDEX ON {self.name} {i}" for i in self.indexes]

    def ddl(self) -> list[str]:
        return [self.bare(), *self.keys()]

    def bridge(self, present: set[str] | None) -> list[str]:
        """What makes a table that has the `present` columns (None: that is not there) usable by this declaration."""
        if present is None:
            return self.ddl()
        added = [f"ALTER TABLE {self.name} ADD COLUMN {c} {self.type_of(c)}" for c in self.columns if c not in present]
        added += [f"ALTER TABLE {self.name} ADD COLUMN {c} {kind}" for c, kind in self.made.items() if c not in present]
        unknown = present - self.columns.keys() - self.made.keys()
        return added + [f"ALTER TABLE {self.name} ALTER COLUMN {c} DROP NOT NULL" for c in sorted(unknown)]

    def type_of(self, column: str) -> str:
        """The bare SQL type of a column, without its constraints."""
        return self.columns[column].removesuffix(" UNIQUE").removesuffix(" NOT NULL")
