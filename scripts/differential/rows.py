"""Puts the same rows into both servers.

Users' tables are made from `tables.sql` by the same statements on both sides. Event tables are read
from Armorlake, with their columns' types, and loaded into PostgreSQL by COPY: then every row, its
times and its hashes are equal by construction, and only the answers can differ.
"""

import pathlib

from wire import Connection

EVENT_TABLES = ("alerts", "logs", "messages")


def script(name):
    """The statements of a file beside this one; a statement ends with a semicolon at a line's end."""
    text = (pathlib.Path(__file__).parent / name).read_text()
    lines = [line for line in text.splitlines() if not line.startswith("--")]
    return [part.strip() for part in "\n".join(lines).split(";\n") if part.strip().rstrip(";")]


def make_tables(dsn):
    """Users' tables, anew."""
    connection = Connection(dsn)
    for statement in script("tables.sql"):
        result = connection.query(statement)
        if result.code:
            raise RuntimeError(f"{result.code} {result.message}: {statement[:200]}")
    connection.close()


def copy_events(ours, postgres):
    """Event tables and the views over them, from Armorlake into PostgreSQL; returns the number of events."""
    source, target = Connection(ours), Connection(postgres)
    target.all("DROP TABLE IF EXISTS alerts, logs, messages, processes CASCADE")
    total = sum(copy_relation(source, target, table) for table in EVENT_TABLES)
    for name, definition in source.all("SELECT viewname, definition FROM pg_views WHERE schemaname = 'public'"):
        # A built-in view may be written in the engine's own functions: then its rows are copied.
        if target.query(f"CREATE VIEW {name} AS {definition}").code:
            copy_relation(source, target, name)
    source.close()
    target.close()
    return total


def copy_relation(source, target, name):
    """A relation's columns and rows; returns the number of rows."""
    columns = source.all(
        "SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute "
        f"WHERE attrelid = '{name}'::regclass AND attnum > 0 ORDER BY attnum"
    )
    listed = ", ".join(f'"{column}" {kind}{" NOT NULL" if held == "t" else ""}' for column, kind, held in columns)
    target.all(f"CREATE TABLE {name} ({listed})")
    rows = source.all(f"SELECT * FROM {name}")
    target.copy_in(f"COPY {name} FROM STDIN", ("\t".join(map(copied, row)) for row in rows))
    target.all(f"ANALYZE {name}")
    return len(rows)


def copied(value):
    """A value in the text format of COPY."""
    if value is None:
        return "\\N"
    return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
