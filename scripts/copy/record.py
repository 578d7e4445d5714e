#!/usr/bin/env python3
"""record.py POSTGRES   writes PostgreSQL's answers into tests/wire/copy_from.jsonl.

POSTGRES is the address of an empty database of a PostgreSQL 15, postgresql://user@host:port/database.
The file's first line has statements that make the tables; every other line has a COPY ... FROM STDIN,
its data (a character for each byte), and what the server says to it: the rows of the table afterwards,
or SQLSTATE, message, detail, hint and context of the error."""
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "differential"))
import wire  # noqa: E402

CASES = pathlib.Path(__file__).parent.parent.parent / "tests" / "wire" / "copy_from.jsonl"


def copied(server, sql, data):
    """The error's fields, or none."""
    server._send(b"Q", sql.encode() + b"\0")
    error = None
    while True:
        kind, body = server._receive()
        if kind == b"G":
            server._send(b"d", data.encode("latin-1"))
            server._send(b"c", b"")
        elif kind == b"E":
            facts = wire._fields(body)
            error = [facts.get(field, "") for field in "CMDHW"]
        elif kind == b"Z":
            return error


def main(postgres):
    """Runs every case."""
    setup, *cases = (json.loads(line) for line in CASES.read_text().splitlines())
    server = wire.Connection(postgres)
    for statement in setup["setup"]:
        server.all(statement)
    lines = [setup]
    for case in cases:
        table = case["copy"].split()[1].split("(")[0]
        server.all(f"truncate {table} restart identity cascade")
        error = copied(server, case["copy"], case["data"])
        rows = server.all(f"select * from {table} order by 1")
        answer = {"error": error} if error else {}
        lines.append({"copy": case["copy"], "data": case["data"], **answer, "rows": [list(row) for row in rows]})
    CASES.write_text("".join(json.dumps(line) + "\n" for line in lines))
    failed = sum("error" in line for line in lines)
    print(f"{len(cases)} cases, {failed} of them with an error")


if __name__ == "__main__":
    main(*sys.argv[1:])
