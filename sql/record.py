#!/usr/bin/env python3
"""record.py SCRIPT.sql ...   writes SCRIPT.out: what PostgreSQL prints for each script.

PGHOST, PGPORT, PGUSER and PGDATABASE name a PostgreSQL 15 whose database has the locale C and, for scripts that read
events, the rows of the tests in tables `logs` and `alerts` (README.md tells how they get there).
`record.py --check SCRIPT.sql ...` writes nothing and shows how the server of these variables differs."""
import difflib
import pathlib
import re
import subprocess
import sys

OPTIONS = ["-X", "-q", "-A", "-t", "-a", "-w", "-P", "null=NULL", "-v", "VERBOSITY=sqlstate"]


def printed(script):
    """Rows and errors in the order of the script's lines; psql writes them to two streams."""
    ran = subprocess.run(["psql", *OPTIONS, "-f", script], capture_output=True, text=True, check=False)
    errors, others = {}, []
    for line in ran.stderr.splitlines():
        found = re.match(r".*:(\d+): (ERROR:  .*)", line)
        if found:
            errors.setdefault(int(found[1]), []).append(found[2])
        elif not re.match(r".*: NOTICE:|LINE |\s*\^|HINT:|DETAIL:", line):
            others.append(line)
    written, at, out = pathlib.Path(script).read_text().splitlines(), 0, []
    for line in ran.stdout.splitlines():
        out.append(line)
        if at < len(written) and written[at] == line:
            at += 1
            out.extend(errors.get(at, []))
    return "".join(line + "\n" for line in out + others)


def main(arguments):
    check = arguments[:1] == ["--check"]
    different = 0
    for script in arguments[check:]:
        out = pathlib.Path(script).with_suffix(".out")
        text = printed(script)
        if not check:
            out.write_text(text)
        elif text != out.read_text():
            different += 1
            sides = out.read_text().splitlines(), text.splitlines()
            print("\n".join(difflib.unified_diff(*sides, str(out), "here", lineterm="", n=1)))
    return different > 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
