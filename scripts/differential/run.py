#!/usr/bin/env python3
"""Asks PostgreSQL and Armorlake the same 1,500 reading statements over the same rows.

    run.py --postgres DSN --program target/debug/armorlake     starts one node, then three, and asks both
    run.py --postgres DSN --ours DSN [--home DSN]              asks a server that is there already

--postgres is a superuser's DSN of any database of a PostgreSQL 15; the rows go into the databases
`differential` and `differential_ours` of that server, which are made anew. --home is where users' tables
are made when another node is read from. Every statement comes from a seed (--seed); differences are
printed with their SQL, and the last lines count them. Ends with 0 when every statement is equal or is
one that docs/SQL.md lists.
"""

import argparse
import collections
import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import rows  # noqa: E402
import statements  # noqa: E402
from compare import difference, kind  # noqa: E402
from fleet import Fleet, connect_when_up, wait_for_events  # noqa: E402
from wire import Broken, Connection, parse_dsn  # noqa: E402


def main():
    options = arguments()
    failed = 0
    if options.ours:
        failed += ask("ours", options.home or options.ours, options.ours, options)
    for name, nodes in () if options.ours else (("one", 1), ("three", 3)):
        if options.only and options.only != name:
            continue
        with tempfile.TemporaryDirectory() as folder:
            fleet = Fleet(options.program, folder, options.replay)
            try:
                home, reader = fleet.start_one() if nodes == 1 else fleet.start_three()
                connect_when_up(home).close()
                wait_for_events(reader, nodes)
                failed += ask(name, home, reader, options)
            finally:
                fleet.stop()
    return 1 if failed else 0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--postgres", required=True, help="DSN of a PostgreSQL 15, as superuser")
    parser.add_argument("--program", default="target/debug/armorlake", help="the program to start nodes of")
    parser.add_argument("--replay", help="a file of karmor's JSON lines to feed besides made events")
    parser.add_argument("--ours", help="DSN of a running node instead of --program")
    parser.add_argument("--home", help="DSN of the node where users' tables are made")
    parser.add_argument("--only", choices=("one", "three"), help="start only this fleet")
    parser.add_argument("--shared", help="folder with questions.sql and queries.sql to ask as well")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=1500, help="how many statements to make")
    parser.add_argument("--group", help="ask only groups whose name contains this")
    parser.add_argument("--extended", action="store_true", help="extended protocol with binary results")
    parser.add_argument("--keep-rows", action="store_true", help="the rows are in both already")
    return parser.parse_args()


def ask(name, home, reader, options):
    """Loads the rows, asks everything, prints what differs and how much; returns the number of differences."""
    postgres = database(options.postgres, f"differential_{name}", options.keep_rows)
    if not options.keep_rows:
        for target in (home, postgres):
            rows.make_tables(target)
        total = rows.copy_events(reader, postgres)
        print(f"{name}: {total} events are in both", flush=True)
    listed = statements.listed()
    asked, found = collections.Counter(), collections.defaultdict(collections.Counter)
    pair = Pair(postgres, reader, options.extended)
    for statement in statements.all_statements(options.seed, options.count, options.shared, times(postgres)):
        if options.group and options.group not in statement.group:
            continue
        asked[statement.group] += 1
        differs = pair.difference(statement)
        if differs is None:
            continue
        reason = next((line for pattern, line in listed if pattern.search(f"{differs} :: {statement.sql}")), None)
        found[statement.group]["listed" if reason else kind(differs)] += 1
        if not reason:
            print(f"[{name}/{statement.group}] {differs}\n    {statement.sql}", flush=True)
    return report(name, asked, found, pair)


class Pair:
    """A session with each server."""

    def __init__(self, postgres, ours, extended):
        self.dsns, self.extended = (postgres, ours), extended
        self.sessions = [Connection(dsn) for dsn in self.dsns]
        self.types = [dict((int(oid), name) for oid, name in session.all("SELECT oid, typname FROM pg_type")) for session in self.sessions]
        self.seconds = [0.0, 0.0]
        for session in self.sessions:
            session.all("SET timezone = 'UTC'")
            session.all("SET statement_timeout = '60s'")

    def difference(self, statement):
        answers = [self.answer(side, statement) for side in (0, 1)]
        return difference(statement, *answers, *self.types)

    def answer(self, side, statement):
        session, start = self.sessions[side], time.monotonic()
        try:
            for setting in statement.before:
                session.all(setting)
            if statement.parameters or self.extended:
                return session.extended(statement.sql, statement.parameters, self.extended)
            return session.query(statement.sql)
        except (Broken, OSError) as error:
            self.sessions[side] = Connection(self.dsns[side])
            raise SystemExit(f"the connection broke ({error}) at: {statement.sql}") from error
        finally:
            self.seconds[side] += time.monotonic() - start
            for _ in statement.before:
                session.query("RESET ALL")
                session.query("SET timezone = 'UTC'")


def times(dsn):
    """The first and the last time of the logs, in seconds since 1970."""
    connection = Connection(dsn)
    row = connection.all("SELECT extract(epoch from min(time)), extract(epoch from max(time)) FROM logs")[0]
    connection.close()
    return float(row[0]), float(row[1])


def database(dsn, name, keep):
    """A database of its own on the PostgreSQL; returns its DSN."""
    address = parse_dsn(dsn)
    connection = Connection(dsn)
    if not keep:
        connection.all(f"DROP DATABASE IF EXISTS {name}")
        connection.all(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'")
    connection.close()
    password = f":{address['password']}" if address["password"] else ""
    return f"postgresql://{address['user']}{password}@{address['host']}:{address['port']}/{name}"


def report(name, asked, found, pair):
    """Prints counts by group; returns how many statements differ without being listed."""
    classes = ("value", "internal", "state", "shape", "refused", "listed")
    print(f"\n{name}: {'group':<22}{'asked':>7}{'equal':>7}" + "".join(f"{each:>10}" for each in classes))
    for group in sorted(asked):
        counts = [found[group][each] for each in classes]
        print(f"{name}: {group:<22}{asked[group]:>7}{asked[group] - sum(counts):>7}" + "".join(f"{each:>10}" for each in counts))
    sums = [sum(found[group][each] for group in asked) for each in classes]
    total = sum(asked.values())
    print(f"{name}: {'all':<22}{total:>7}{total - sum(sums):>7}" + "".join(f"{each:>10}" for each in sums))
    print(f"{name}: PostgreSQL {pair.seconds[0]:.1f} s, Armorlake {pair.seconds[1]:.1f} s", flush=True)
    return sum(sums) - sums[-1]


if __name__ == "__main__":
    sys.exit(main())
