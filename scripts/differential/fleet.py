"""Starts what is compared: one node that holds all events, or edge-1, edge-2 and query-3.

Takes the program as a user has it and speaks to it through its command line alone. Everything lies
in one temporary folder; ports are free ones of 127.0.0.1. The events come from `armorlake simulate`:
made from seeds, and replayed from a file of karmor's JSON where one is given. Who starts a fleet waits
with `wait_for_events` until no more of them arrive.
"""

import pathlib
import socket
import subprocess
import time

from wire import Broken, Connection

USER = "tester"
PATIENCE_SECONDS = 120


def free_port():
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Fleet:
    """Running processes, ended by `stop`."""

    def __init__(self, program, folder, replay=None, events=1500):
        self.program, self.folder = program, pathlib.Path(folder)
        self.replay, self.events = replay, events
        self.processes = []
        self.ports = {}

    def start_one(self):
        """A node `edge-1` with all feeds; returns the DSN to write to and to read from."""
        feeds = self._start_feeds()
        self._start_node("edge-1", "edge", feeds, None)
        return self.dsn("edge-1"), self.dsn("edge-1")

    def start_three(self):
        """Two edge nodes with the feeds, a query node with none; users' tables have their home on edge-1."""
        self._run("ca", "init", str(self.folder / "ca"))
        feeds, seed = self._start_feeds(), free_port()
        self._start_node("query-3", "query", [], seed, mesh_port=seed)
        self._start_node("edge-1", "edge", feeds[:1], seed)
        self._start_node("edge-2", "edge", feeds[1:], seed)
        return self.dsn("edge-1"), self.dsn("query-3")

    def dsn(self, name):
        """Where a node's clients connect."""
        return f"postgresql://{USER}@127.0.0.1:{self.ports[name]}/kubearmor"

    def stop(self):
        """Ends the processes in the reverse order of their start."""
        for process in reversed(self.processes):
            process.terminate()
        for process in reversed(self.processes):
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()

    def _run(self, *arguments):
        subprocess.run([self.program, *arguments], check=True, stdout=subprocess.DEVNULL)

    def _spawn(self, name, *arguments):
        with open(self.folder / f"{name}.log", "ab") as log:
            self.processes.append(subprocess.Popen([self.program, *arguments], stdout=log, stderr=log))

    def _start_feeds(self):
        feeds = []
        for seed in (1, 2, 3):
            port = free_port()
            arguments = ["simulate", f"--listen=127.0.0.1:{port}", "--wait-for-client", f"--seed={seed}"]
            if self.replay and seed == 3:
                arguments += ["--replay", self.replay, "--pace", "fast"]
            else:
                arguments += ["--rate", "2000", "--count", str(self.events)]
            self._spawn(f"feed-{seed}", *arguments)
            feeds.append((f"feed-{seed}", port))
        return feeds

    def _start_node(self, name, role, feeds, seed, mesh_port=None):
        own = self.folder / name
        own.mkdir()
        port = self.ports[name] = free_port()
        lines = [
            f'[node]\nname = "{name}"\nrole = "{role}"\ndata_dir = "."',
            f'[pg]\nlisten = "127.0.0.1:{port}"\ntrust_loopback = true',
            f'[[pg.users]]\nname = "{USER}"\nroles = ["reader", "writer"]',
        ]
        if seed is not None:
            authority = ("--ca", str(self.folder / "ca"), "--act-as", "reader,writer")
            self._run("ca", "issue", name, *authority, "--role", role, "--out", str(own / "tls"))
            seeds = "" if mesh_port else f'"127.0.0.1:{seed}"'
            lines.append(f'[mesh]\nlisten = "127.0.0.1:{mesh_port or free_port()}"\nseeds = [{seeds}]')
            # Clients of this machine speak plain text; the certificate is the mesh's.
            lines[1] += '\n[pg.tls]\nmode = "off"'
        lines += [f'[[feeds]]\nname = "{feed}"\naddress = "127.0.0.1:{at}"' for feed, at in feeds]
        file = own / "node.toml"
        file.write_text("\n".join(lines) + "\n")
        self._spawn(name, "serve", "--config", str(file))


def connect_when_up(dsn):
    """A connection to a server that is starting."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return Connection(dsn)
        except (OSError, Broken):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def wait_for_events(dsn, nodes):
    """Waits until `nodes` nodes are seen and the events no longer grow; returns how many there are."""
    connection, deadline = connect_when_up(dsn), time.monotonic() + PATIENCE_SECONDS
    seen, since = None, time.monotonic()
    while time.monotonic() < deadline:
        result = connection.query("SELECT (SELECT count(*) FROM mesh.nodes), (SELECT count(*) FROM logs), count(*) FROM alerts")
        found = tuple(int(value) for value in result.rows[0]) if result.rows else None
        if found != seen:
            seen, since = found, time.monotonic()
        elif found and found[0] >= nodes and found[1] and found[2] and time.monotonic() - since > 3:
            connection.close()
            return found[1] + found[2]
        time.sleep(0.2)
    raise TimeoutError(f"the events did not settle: {seen}")
