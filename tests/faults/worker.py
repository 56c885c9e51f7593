"""`runledger worker`, but for the analysis, in whose place a stand-in answers at once."""

import sys
from pathlib import Path

from cli.worker import worker
from workers import analysing

analysing.COMMAND = (sys.executable, "-P", str(Path(__file__).parents[1] / "workers" / "standin.py"))  # in processes of jobs as well

if __name__ == "__main__":
    worker()
