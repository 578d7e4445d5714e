#!/usr/bin/env python3
"""What clients wait for: the same statements on a node and on PostgreSQL, in turns of one run.

    clients.py load --ours DSN --postgres DSN
        makes alerts, logs, messages and events in PostgreSQL anew, with the rows that the node has
        now, an index by pod and time and one by time
    clients.py run --ours DSN --postgres DSN [--questions FILE] [--connections 1,16]
                   [--seconds 1] [--rounds 3]
        times SELECT 1, a prepared event query by pod, and the statements of FILE (separated by
        ';' at the end of a line), and prints the median of each on both, and their ratio

A DSN is postgresql://user:password@host:port/database; neither end uses TLS. Python's standard
library is all it needs. Messages are built before the clock runs, and answers are only looked
through for their end, so that of a time little is the client's own. With 16 connections, the clients
take processor time from both servers alike.
"""

import argparse
import base64
import hashlib
import hmac
import multiprocessing
import os
import re
import socket
import statistics
import struct
import sys
import threading
import time
from urllib.parse import unquote, urlparse

TABLES = ["alerts", "logs", "messages"]
INDEXED = ["alerts", "logs"]
BY_POD = ("SELECT time, operation, process_name, resource, result FROM logs "
          "WHERE pod_name = $1 ORDER BY time DESC LIMIT 50")
# How an answer ends: ReadyForQuery, outside a transaction.
READY = b"Z\x00\x00\x00\x05I"
EXECUTE_AND_SYNC = b"E\x00\x00\x00\x09\x00\x00\x00\x00\x00S\x00\x00\x00\x04"
# Runs of a statement that do not count, on each connection.
WARM_UP_RUNS = 5


class ServerError(Exception):
    """An ErrorResponse."""


def message(kind, body=b""):
    """A message of the protocol with its length."""
    return kind + struct.pack("!I", len(body) + 4) + body


def fields_of_error(body):
    """The SQLSTATE and the text of an ErrorResponse."""
    fields = {part[:1]: part[1:].decode("utf8", "replace") for part in body.split(b"\0") if part}
    return f"{fields.get(b'C')}: {fields.get(b'M')}"


class Connection:
    """One client of either server."""

    def __init__(self, dsn):
        where = urlparse(dsn)
        self.password = unquote(where.password or "")
        self.received = b""
        self.socket = socket.create_connection((where.hostname or "127.0.0.1", where.port or 5432))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pairs = [b"user", unquote(where.username or "postgres").encode(),
                 b"database", where.path.lstrip("/").encode() or b"postgres", b""]
        self.send(struct.pack("!II", 9 + sum(map(len, pairs)) + len(pairs) - 1, 196608) + b"\0".join(pairs) + b"\0")
        self.log_in()

    def send(self, data):
        self.socket.sendall(data)

    def receive(self):
        """The next message: its kind and its body."""
        while True:
            if len(self.received) >= 5:
                end = struct.unpack_from("!I", self.received, 1)[0] + 1
                if len(self.received) >= end:
                    kind, body = self.received[:1], self.received[5:end]
                    self.received = self.received[end:]
                    if kind == b"E":
                        raise ServerError(fields_of_error(body))
                    return kind, body
            data = self.socket.recv(1 << 20)
            if not data:
                raise ServerError("the server closed the connection")
            self.received += data

    def log_in(self):
        """Answers what the server asks until it is ready."""
        nonce, first = base64.b64encode(os.urandom(18)).decode(), ""
        while True:
            kind, body = self.receive()
            if kind == b"Z":
                return
            if kind != b"R":
                continue
            asked = struct.unpack_from("!I", body)[0]
            if asked == 10:
                first = f"n=,r={nonce}"
                text = b"n,," + first.encode()
                self.send(message(b"p", b"SCRAM-SHA-256\0" + struct.pack("!I", len(text)) + text))
            elif asked == 11:
                self.send(message(b"p", self.proof(first, body[4:].decode())))
            elif asked not in (0, 12):
                raise ServerError(f"authentication {asked} is not supported here")

    def proof(self, first, offered):
        """The client's last message of SCRAM-SHA-256."""
        offer = dict(part.split("=", 1) for part in offered.split(","))
        salted = hashlib.pbkdf2_hmac("sha256", self.password.encode(), base64.b64decode(offer["s"]), int(offer["i"]))
        bare = f"c=biws,r={offer['r']}"
        key = hmac.digest(salted, b"Client Key", "sha256")
        signature = hmac.digest(hashlib.sha256(key).digest(), f"{first},{offered},{bare}".encode(), "sha256")
        mixed = bytes(left ^ right for left, right in zip(key, signature))
        return f"{bare},p={base64.b64encode(mixed).decode()}".encode()

    def rows(self, sql):
        """The rows of a simple query, values as text."""
        self.send(message(b"Q", sql.encode() + b"\0"))
        rows = []
        while True:
            kind, body = self.receive()
            if kind == b"Z":
                return rows
            if kind == b"D":
                rows.append(values_of_row(body))

    def prepare(self, sql):
        """Parses under the name `s` and waits for it."""
        self.send(message(b"P", b"s\0" + sql.encode() + b"\0\0\0") + message(b"S"))
        while self.receive()[0] != b"Z":
            pass

    def count_rows(self, request):
        """Runs a request once and reads all of the answer; gives the number of rows."""
        self.send(request)
        count, failed = 0, None
        while True:
            try:
                kind, _ = self.receive()
            except ServerError as error:
                failed = error
                continue
            if kind == b"Z":
                break
            count += kind == b"D"
        if failed:
            raise failed
        return count

    def run(self, request):
        """Sends and reads to the end of the answer, without a look into it."""
        self.socket.sendall(request)
        last = self.socket.recv(1 << 18)
        while not last.endswith(READY):
            data = self.socket.recv(1 << 18)
            if not data:
                raise ServerError("the server closed the connection")
            last = last[-5:] + data

    def copy_from(self, other, query, table):
        """Copies what `query` gives on `other` into `table` here."""
        other.send(message(b"Q", f"COPY ({query}) TO STDOUT".encode() + b"\0"))
        self.send(message(b"Q", f"COPY {table} FROM STDIN".encode() + b"\0"))
        if self.receive()[0] != b"G":
            raise ServerError("COPY FROM STDIN was not taken")
        while True:
            kind, body = other.receive()
            if kind == b"d":
                self.send(message(b"d", body))
            if kind == b"Z":
                break
        self.send(message(b"c"))
        while self.receive()[0] != b"Z":
            pass


def values_of_row(body):
    """The values of a DataRow as text."""
    values, at = [], 2
    for _ in range(struct.unpack_from("!H", body)[0]):
        size = struct.unpack_from("!i", body, at)[0]
        at += 4
        values.append(None if size < 0 else body[at:at + size].decode())
        at += max(size, 0)
    return values


def load(ours, postgres):
    """Makes PostgreSQL's tables and rows those of the node."""
    node, other = Connection(ours), Connection(postgres)
    other.rows("DROP VIEW IF EXISTS events")
    for table in TABLES:
        columns = node.rows("SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
                            f"WHERE attrelid = '{table}'::regclass AND attnum > 0 ORDER BY attnum")
        names = ", ".join(name for name, _ in columns)
        other.rows(f"DROP TABLE IF EXISTS {table}")
        other.rows(f"CREATE TABLE {table} ({', '.join(f'{name} {kind}' for name, kind in columns)})")
        other.copy_from(node, f"SELECT {names} FROM {table}", table)
        if table in INDEXED:
            other.rows(f"CREATE INDEX ON {table} (pod_name, time)")
        other.rows(f"CREATE INDEX ON {table} (time)")
        other.rows(f"VACUUM ANALYZE {table}")
        print(f"{table}: {other.rows(f'SELECT count(*) FROM {table}')[0][0]} rows", flush=True)
    other.rows(f"CREATE VIEW events AS {node.rows('''SELECT pg_get_viewdef('events'::regclass)''')[0][0]}")


class Case:
    """A statement to time; `requests` are taken in turn."""

    def __init__(self, name, requests, prepared=None):
        self.name, self.requests, self.prepared = name, requests, prepared


def query(sql):
    return message(b"Q", sql.encode() + b"\0")


def bound(value):
    """Binds the statement `s` with one value, or none, and executes it."""
    values = b"\0\0" if value is None else struct.pack("!HI", 1, len(value)) + value
    return message(b"B", b"\0s\0\0\0" + values + b"\0\0") + EXECUTE_AND_SYNC


def cases_of(questions, pods):
    """What to time."""
    cases = [Case("SELECT 1", [query("SELECT 1")]),
             Case("SELECT 1, prepared", [bound(None)], "SELECT 1"),
             Case("events of a pod, prepared", [bound(pod.encode()) for pod in pods], BY_POD)]
    if questions:
        with open(questions, encoding="utf8") as file:
            text = re.sub(r"^--.*$", "", file.read(), flags=re.MULTILINE)
        found = [sql.strip() for sql in re.split(r";\s*$", text, flags=re.MULTILINE) if sql.strip()]
        cases += [Case(f"question {number}", [query(sql)]) for number, sql in enumerate(found, 1)]
    return cases


def time_slice(connection, case, seconds, seed):
    """Runs a statement for some time; gives the milliseconds of each run."""
    for run in range(WARM_UP_RUNS):
        connection.count_rows(case.requests[(seed + run) % len(case.requests)])
    times, now = [], time.perf_counter()
    end = now + seconds
    while now < end:
        connection.run(case.requests[(seed + len(times)) % len(case.requests)])
        done = time.perf_counter()
        times.append((done - now) * 1e3)
        now = done
    return times


def work(number, dsns, cases, options, together, results):
    """One client with a connection to both servers; all clients do the same at the same time."""
    case = None
    try:
        measured = []
        for case in cases:
            connections = [Connection(dsn) for dsn in dsns]
            for connection in connections:
                if case.prepared:
                    connection.prepare(case.prepared)
            times = [[], []]
            for turn in range(2 * options.rounds):
                # Ours first in one round, PostgreSQL first in the next.
                server = (turn // 2 + turn) % 2
                together.wait()
                times[server] += time_slice(connections[server], case, options.seconds, number * 7 + turn)
            measured.append(times)
        results.put(measured)
    except (OSError, ServerError) as error:
        together.abort()
        results.put(Exception(f"{case.name if case else 'no statement'}: {error}"))
    except threading.BrokenBarrierError:
        results.put(None)


def agreeing(cases, connections):
    """The cases that both servers answer with as many rows; says why others are left out."""
    kept = []
    for case in cases:
        try:
            for connection in connections:
                if case.prepared:
                    connection.rows("DEALLOCATE ALL")
                    connection.prepare(case.prepared)
            counts = [[connection.count_rows(request) for request in case.requests] for connection in connections]
        except ServerError as error:
            print(f"{case.name} is left out: {error}")
            continue
        if counts[0] == counts[1]:
            kept.append(case)
        else:
            print(f"{case.name} is left out: {sum(counts[0])} rows and {sum(counts[1])}")
    return kept


def measure(dsns, cases, clients, options):
    """Times of every case on both servers: of all clients together."""
    together, results = multiprocessing.Barrier(clients), multiprocessing.Queue()
    arguments = [(number, dsns, cases, options, together, results) for number in range(clients)]
    workers = [multiprocessing.Process(target=work, args=each) for each in arguments]
    for worker in workers:
        worker.start()
    answers = [results.get() for _ in workers]
    for worker in workers:
        worker.join()
    # Those that only waited for the one that failed have None to tell.
    failed = [answer for answer in answers if isinstance(answer, Exception)]
    if failed:
        sys.exit(f"failed: {failed[0]}")
    return [[sum((answer[case][server] for answer in answers), []) for server in (0, 1)]
            for case in range(len(cases))]


def report(name, clients, middles, rates):
    """A line of the table; `rates` are runs a second of all clients together."""
    ours, postgres = middles
    print(f"| {name} | {clients} | {ours:.2f} | {postgres:.2f} | {ours / postgres:.2f} "
          f"| {rates[0]:.0f} | {rates[1]:.0f} |", flush=True)


def run(options):
    """Times everything and prints it."""
    dsns = [options.ours, options.postgres]
    node, other = map(Connection, dsns)
    for table in TABLES:
        counts = [connection.rows(f"SELECT count(*) FROM {table}")[0][0] for connection in (node, other)]
        print(f"{table}: {counts[0]} rows on the node, {counts[1]} in PostgreSQL")
    pods = [row[0] for row in node.rows("SELECT DISTINCT pod_name FROM logs WHERE pod_name IS NOT NULL ORDER BY 1")]
    cases = agreeing(cases_of(options.questions, pods), [node, other])
    print("\n| statement | connections | p50 ms | PostgreSQL p50 ms | ratio | runs/s | PostgreSQL runs/s |")
    print("|---|---|---|---|---|---|---|")
    for clients in options.connections:
        asked = []
        for case, times in zip(cases, measure(dsns, cases, clients, options)):
            middles = [statistics.median(server) for server in times]
            # What the clients waited for is all that they did.
            rates = [1e3 * clients * len(server) / sum(server) for server in times]
            report(case.name, clients, middles, rates)
            if case.name.startswith("question"):
                asked.append((middles, rates))
        if asked:
            middles, rates = ([statistics.median(values) for values in zip(*kind)] for kind in zip(*asked))
            report("the middle of all questions", clients, middles, rates)
            ratio = statistics.geometric_mean([ours / postgres for (ours, postgres), _ in asked])
            print(f"\ngeometric mean of the questions' ratios with {clients}: {ratio:.2f}\n", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["load", "run"])
    parser.add_argument("--ours", required=True)
    parser.add_argument("--postgres", required=True)
    parser.add_argument("--questions")
    parser.add_argument("--connections", type=lambda text: [int(part) for part in text.split(",")], default=[1, 16])
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if options.action == "load":
        load(options.ours, options.postgres)
    else:
        run(options)


if __name__ == "__main__":
    main()
