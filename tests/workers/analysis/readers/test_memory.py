"""A large file is read and summed up in little memory."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl

ROOT = Path(__file__).parents[4]
FILE_BYTES = 200_000_000
PEAK_MB_MAX = 400
ROWS_A_PART = 100_000
READING = """
import json, sys
from pathlib import Path
from workers.analysis.bounds import Bounds
from workers.analysis.readers.opening import open_table
from workers.analysis.statistics import Statistics
table = open_table(Path(sys.argv[1]), "log.csv", "text/csv", Bounds())
statistics = Statistics(table.channels)
for block in table.blocks():
    statistics.take(block)
first = statistics.summaries()[0]
status = Path("/proc/self/status").read_text()  # getrusage would tell the peak of the process that started this one
print(json.dumps([first.count, first.mean, int(status.split("VmHWM:")[1].split()[0]) / 1024]))
"""


def test_two_hundred_megabytes_are_summed_up_in_less_than_four_hundred(tmp_path: Path) -> None:
    path, written, rows = tmp_path / "log.csv", 0, 0
    part = np.random.default_rng(1).normal(12, 1, size=(ROWS_A_PART, 9))
    text = pl.DataFrame(part).write_csv(include_header=False, float_precision=6).encode()
    with path.open("wb") as file:
        file.write(",".join(f"Rail {i} [V]" for i in range(9)).encode() + b"\n")
        while written < FILE_BYTES:
            written += file.write(text)
            rows += ROWS_A_PART
    done = subprocess.run([sys.executable, "-c", READING, str(path)], cwd=ROOT, capture_output=True, check=True, text=True)
    path.unlink()
    count, mean, peak_mb = json.loads(done.stdout)
    assert count == rows
    assert abs(mean - part[:, 0].mean()) < 1e-6
    assert peak_mb < PEAK_MB_MAX
