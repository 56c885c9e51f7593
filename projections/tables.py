"""What a view table is: the one declaration behind its DDL, its live writes and its rebuild."""

from typing import NamedTuple


class Table(NamedTuple):
    """`key` is the column that identifies a row; `indexes` are what follows CREATE INDEX ON <table>."""

    name: str
    key: str
    columns: dict[str, str]
    indexes: tuple[str, ...] = ()
    options: str = ""

    def ddl(self) -> list[str]:
        columns = ", ".join(f"{name} {kind}" for name, kind in self.columns.items())
        options = f" WITH ({self.options})" if self.options else ""
        made = [f"CREATE TABLE {self.name} ({columns}, PRIMARY KEY ({self.key})){options}"]
        return made + [f"CREATE INDEX ON {self.name} {index}" for index in self.indexes]

    def type_of(self, column: str) -> str:
        """The bare SQL type of a column, without its constraints."""
        return self.columns[column].split(" NOT NULL")[0]
