"""How much of a data file is read at most; what goes beyond is refused in words, before it costs memory or time."""

import msgspec

MIB = 2**20


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """`bytes_max` holds for the file and for what is unpacked from it, `ratio_max` for unpacked to packed bytes.

    `whole_bytes_max` holds for what can only be read at once: a JSON object of arrays, a column chunk, the sheets of a workbook.
    `cells_max` holds for rows times columns of such a thing.
    """

    bytes_max: int = 4096 * MIB
    ratio_max: int = 300
    rows_max: int = 200_000_000
    columns_max: int = 2_000
    line_bytes_max: int = MIB
    whole_bytes_max: int = 64 * MIB
    cells_max: int = 10_000_000
