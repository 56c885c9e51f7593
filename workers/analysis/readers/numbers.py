"""Cells as numbers: text with blanks around it or a decimal comma, whole numbers, truth values; what is none of them is missing."""

import polars as pl


def number(column: str, dtype: pl.DataType) -> pl.Expr:
    """64-bit floats; null where the cell is no number."""
    cell = pl.col(column)
    if dtype == pl.String:
        cell = cell.str.strip_chars().str.replace(",", ".", literal=True)
    return cell.cast(pl.Float64, strict=False)


def numbers(column: pl.Series) -> pl.Series:
    return column.to_frame("cell").select(number("cell", column.dtype)).to_series()
