#!/usr/bin/env python3
"""Lets sqlsmith ask a node with rows, and says what the node answered.

    run.py --program target/debug/armorlake [--seconds 1800] [--seed N]

Starts one node as scripts/differential does, with events and users' tables, and runs sqlsmith (Debian's
package) against a relay that counts answers. Prints statements, errors by SQLSTATE with the three most
frequent messages of each, and the node's memory. Ends with 1 after an XX000, a panic in the node's log,
a statement without an end, a node that went away, or memory over --memory-mb; each with its statement.
"""

import argparse
import collections
import pathlib
import re
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "differential"))

import rows  # noqa: E402
from fleet import USER, Fleet, wait_for_events  # noqa: E402

ENCRYPTION_REQUESTS = (80877103, 80877104)


class Relay:
    """Passes bytes between sqlsmith and the node, and keeps count of statements and errors."""

    def __init__(self, upstream):
        self.upstream = upstream
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.statements, self.open = 0, {}
        self.states, self.messages = collections.Counter(), collections.Counter()
        self.broken, self.cut = [], []
        threading.Thread(target=self._accept, daemon=True).start()

    def oldest(self):
        """The statement that waits longest: its seconds and its text."""
        waiting = [(time.monotonic() - since, sql) for since, sql in list(self.open.values())]
        return max(waiting, default=(0, ""))

    def _accept(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.create_connection(("127.0.0.1", self.upstream))
            for side in (client, server):
                side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._ask, args=(client, server), daemon=True).start()

    def _ask(self, client, server):
        incoming = client.makefile("rb")
        while True:
            head = incoming.read(8)
            if len(head) < 8:
                return hang_up(server)
            length, code = struct.unpack("!II", head)
            if code not in ENCRYPTION_REQUESTS:
                break
            client.sendall(b"N")
        server.sendall(head + incoming.read(length - 8))
        threading.Thread(target=self._answer, args=(client, server), daemon=True).start()
        for kind, frame, body in frames(incoming):
            if kind in b"QP":
                sql = body if kind == b"Q" else body.split(b"\0")[1]
                self.statements += 1
                self.open[client] = time.monotonic(), sql.rstrip(b"\0").decode("utf-8", "replace")
            server.sendall(frame)
        # The client has left: what it had open is nobody's loss.
        self.open.pop(client, None)
        hang_up(server)

    def _answer(self, client, server):
        try:
            for kind, frame, body in frames(server.makefile("rb")):
                if kind == b"E":
                    self._count(body, self.open.get(client, (0, ""))[1])
                elif kind == b"Z":
                    self.open.pop(client, None)
                client.sendall(frame)
        except OSError:
            pass
        left = self.open.pop(client, None)
        if left:
            self.cut.append(left[1])
        client.close()

    def _count(self, body, sql):
        fields = {part[:1]: part[1:].decode("utf-8", "replace") for part in body.split(b"\0") if part}
        code, message = fields.get(b"C", "?"), fields.get(b"M", "")
        self.states[code] += 1
        self.messages[code, re.sub(r'"[^"]*"', '"_"', message)[:120]] += 1
        if code == "XX000":
            self.broken.append(f"{message}\n{sql}")


def hang_up(connection):
    """Closes a connection that another thread may still read from."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    connection.close()


def frames(stream):
    """The messages of a stream: kind, whole frame, body; ends where the stream does."""
    while True:
        try:
            head = stream.read(5)
            if len(head) < 5:
                return
            length = struct.unpack("!I", head[1:])[0] - 4
            body = stream.read(length)
        except OSError:
            return
        if len(body) < length:
            return
        yield head[:1], head + body, body


def memory_mb(process):
    """Resident memory of a process; 0 when it is gone."""
    try:
        found = re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{process.pid}/status").read_text())
    except OSError:
        return 0
    return int(found[1]) // 1024 if found else 0


def watch(relay, node, options):
    """Runs sqlsmith until the time is up; returns what went wrong and the memory seen."""
    target = f"host=127.0.0.1 port={relay.port} dbname=kubearmor user={USER}"
    command = ["sqlsmith", f"--target={target}", f"--seed={options.seed}", "--max-queries=1000000000"]
    smith = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wrong, memory, end = [], [memory_mb(node)], time.monotonic() + options.seconds
    while time.monotonic() < end and not wrong:
        time.sleep(0.5)
        memory.append(memory_mb(node))
        seconds, sql = relay.oldest()
        if node.poll() is not None:
            wrong.append("the node ended")
        elif smith.poll() is not None:
            wrong.append(f"sqlsmith ended with {smith.returncode}")
        elif seconds > options.patience:
            wrong.append(f"no answer for {seconds:.0f} s\n{sql}")
    # Statements that the end of sqlsmith cuts off are not the node's doing.
    wrong += [f"connection closed by the node\n{sql}" for sql in list(relay.cut)]
    smith.terminate()
    smith.wait(20)
    return wrong, memory


def report(relay, memory):
    """Prints the figures."""
    print(f"{relay.statements} statements, {sum(relay.states.values())} errors, "
          f"memory {memory[0]} MB at first, {max(memory)} MB at most, {memory[-1]} MB at last")
    for code, count in relay.states.most_common():
        print(f"{code} {count}")
        of_code = [(n, text) for (state, text), n in relay.messages.most_common() if state == code]
        for n, text in of_code[:3]:
            print(f"    {n} {text}")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True, help="the armorlake program")
    parser.add_argument("--seconds", type=int, default=1800, help="how long sqlsmith asks")
    parser.add_argument("--seed", type=int, default=1, help="sqlsmith's seed")
    parser.add_argument("--patience", type=int, default=60, help="seconds after which a statement hangs")
    parser.add_argument("--memory-mb", type=int, default=2048, help="most memory the node may hold")
    return parser.parse_args()


def main():
    options = arguments()
    with tempfile.TemporaryDirectory() as folder:
        fleet = Fleet(options.program, folder)
        try:
            dsn, _ = fleet.start_one()
            wait_for_events(dsn, 1)
            rows.make_tables(dsn)
            relay = Relay(fleet.ports["edge-1"])
            wrong, memory = watch(relay, fleet.processes[-1], options)
        finally:
            fleet.stop()
        log = (pathlib.Path(folder) / "edge-1.log").read_text(errors="replace")
    report(relay, memory)
    wrong += [f"XX000 {text}" for text in relay.broken]
    wrong += [line for line in log.splitlines() if "panic" in line]
    if max(memory) > options.memory_mb:
        wrong.append(f"memory of {max(memory)} MB")
    for text in wrong:
        print(f"== {text}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
