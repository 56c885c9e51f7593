"""Stands in for the analysis: does what the report's context says, and answers with what it was given."""

import json
import sys
import time
from pathlib import Path

request = json.loads(Path(sys.argv[1]).read_text())
subject = request["subject"]
match subject["analysis_context"].split():
    case ["crash"]:
        raise ValueError("told to crash")
    case ["hang"]:
        time.sleep(3_600)
    case ["hog"]:
        held = b"x" * 2**28
        time.sleep(3_600)
    case ["garbage"]:
        Path(sys.argv[2]).write_text("{")
        sys.exit()
contents = {file["file_name"]: Path(file["path"]).read_text() for file in request["files"]}
told = {"run": subject["run"]["title"], "version": subject["run_version"], "files": contents}
answer = {"summary": f"About {told['run']}", "content": json.dumps(told), "tools": [{"part": "standin", "version": "1"}]}
Path(sys.argv[2]).write_text(json.dumps(answer))
