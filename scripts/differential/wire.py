"""A small PostgreSQL client: start-up, simple and extended statements, all values as the server wrote them.

Guarantees that nothing is converted on the way: a value is the server's text (or its bytes, when a
binary result was asked for), so that two servers can be compared to the letter. Python's standard
library alone. Passwords: SCRAM-SHA-256 and plain text. No TLS: both servers run on this machine.
"""

import base64
import hashlib
import hmac
import os
import socket
import struct
import urllib.parse
from dataclasses import dataclass, field


class Broken(Exception):
    """The connection is gone, or what came over it is not the protocol."""


@dataclass
class Result:
    """What one statement gave."""

    columns: list = field(default_factory=list)  # (name, type oid, type modifier)
    rows: list = field(default_factory=list)
    tag: str = ""
    code: str = ""
    message: str = ""
    position: str = ""


def parse_dsn(dsn):
    """Host, port, user, password and database of postgresql://user:password@host:port/database."""
    parts = urllib.parse.urlparse(dsn)
    if parts.scheme not in ("postgres", "postgresql"):
        raise ValueError(f"not a postgresql:// address: {dsn}")
    unquote = urllib.parse.unquote
    return {
        "host": parts.hostname or "127.0.0.1",
        "port": parts.port or 5432,
        "user": unquote(parts.username or "postgres"),
        "password": unquote(parts.password or ""),
        "database": unquote(parts.path.strip("/") or parts.username or "postgres"),
    }


class Connection:
    """One session with a server."""

    def __init__(self, dsn, timeout=120):
        self.address = parse_dsn(dsn)
        self.buffer = b""
        self.socket = socket.create_connection((self.address["host"], self.address["port"]), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        start = b"".join(
            key.encode() + b"\0" + value.encode() + b"\0"
            for key, value in (
                ("user", self.address["user"]),
                ("database", self.address["database"]),
                ("client_encoding", "UTF8"),
            )
        )
        body = struct.pack("!I", 196608) + start + b"\0"
        self.socket.sendall(struct.pack("!I", len(body) + 4) + body)
        self._authenticate()

    def close(self):
        """Ends the session politely."""
        try:
            self._send(b"X", b"")
            self.socket.close()
        except OSError:
            pass

    def query(self, sql):
        """The last result of a simple query; an error is a result with a code."""
        self._send(b"Q", sql.encode() + b"\0")
        return self._collect()

    def extended(self, sql, parameters=(), binary=False):
        """The result of Parse, Bind, Describe, Execute, Sync with text parameters of no declared type."""
        bind = b"\0\0" + struct.pack("!HH", 0, len(parameters))
        for value in parameters:
            if value is None:
                bind += struct.pack("!i", -1)
            else:
                bind += struct.pack("!i", len(value.encode())) + value.encode()
        bind += struct.pack("!HH", 1, int(binary))
        messages = ((b"P", b"\0" + sql.encode() + b"\0\0\0"), (b"B", bind), (b"D", b"P\0"), (b"E", b"\0\0\0\0\0"))
        out = b"".join(kind + struct.pack("!I", len(body) + 4) + body for kind, body in (*messages, (b"S", b"")))
        self.socket.sendall(out)
        return self._collect(binary)

    def all(self, sql):
        """The rows of a statement that must succeed."""
        result = self.query(sql)
        if result.code:
            raise Broken(f"{result.code} {result.message}: {sql[:300]}")
        return result.rows

    def copy_in(self, sql, lines):
        """COPY ... FROM STDIN of text lines."""
        self._send(b"Q", sql.encode() + b"\0")
        kind, body = self._receive()
        if kind != b"G":
            raise Broken(f"no COPY: {_fields(body).get('M', kind)}: {sql[:200]}")
        for line in lines:
            self._send(b"d", line.encode() + b"\n")
        self._send(b"c", b"")
        result = self._collect()
        if result.code:
            raise Broken(f"{result.code} {result.message}: {sql[:200]}")

    def _collect(self, binary=False):
        result = Result()
        while True:
            kind, body = self._receive()
            if kind == b"T":
                result.columns, result.rows = _columns(body), []
            elif kind == b"D":
                result.rows.append(_row(body, binary))
            elif kind == b"C":
                result.tag = body.rstrip(b"\0").decode()
            elif kind == b"E":
                facts = _fields(body)
                result.code, result.message = facts.get("C", "?"), facts.get("M", "")
                result.position = facts.get("P", "")
            elif kind == b"Z":
                return result

    def _send(self, kind, body):
        self.socket.sendall(kind + struct.pack("!I", len(body) + 4) + body)

    def _receive(self):
        while True:
            if len(self.buffer) >= 5:
                length = struct.unpack_from("!I", self.buffer, 1)[0] + 1
                if len(self.buffer) >= length:
                    kind, body = self.buffer[:1], self.buffer[5:length]
                    self.buffer = self.buffer[length:]
                    if kind not in (b"S", b"N", b"A"):
                        return kind, body
                    continue
            data = self.socket.recv(1 << 16)
            if not data:
                raise Broken("the server closed the connection")
            self.buffer += data

    def _authenticate(self):
        scram = None
        while True:
            kind, body = self._receive()
            if kind == b"Z":
                return
            if kind == b"E":
                raise Broken(_fields(body).get("M", "refused"))
            if kind != b"R":
                continue
            method = struct.unpack_from("!I", body)[0]
            if method == 3:
                self._send(b"p", self.address["password"].encode() + b"\0")
            elif method == 10:
                scram = Scram(self.address["password"])
                first = scram.first()
                self._send(b"p", b"SCRAM-SHA-256\0" + struct.pack("!I", len(first)) + first)
            elif method == 11 and scram:
                self._send(b"p", scram.final(body[4:]))
            elif method not in (0, 12):
                raise Broken(f"authentication method {method} is not known here")


class Scram:
    """The client's side of SCRAM-SHA-256."""

    def __init__(self, password):
        self.password = password.encode()
        self.bare = b"n=,r=" + base64.b64encode(os.urandom(18))

    def first(self):
        """The first message."""
        return b"n,," + self.bare

    def final(self, challenge):
        """The proof for the server's challenge."""
        facts = dict(part.split(b"=", 1) for part in challenge.split(b","))
        salted = hashlib.pbkdf2_hmac("sha256", self.password, base64.b64decode(facts[b"s"]), int(facts[b"i"]))
        key = hmac.new(salted, b"Client Key", "sha256").digest()
        without_proof = b"c=biws,r=" + facts[b"r"]
        signed = self.bare + b"," + challenge + b"," + without_proof
        signature = hmac.new(hashlib.sha256(key).digest(), signed, "sha256").digest()
        proof = base64.b64encode(bytes(left ^ right for left, right in zip(key, signature)))
        return without_proof + b",p=" + proof


def _columns(body):
    count, at, columns = struct.unpack_from("!H", body)[0], 2, []
    for _ in range(count):
        end = body.index(0, at)
        _table, _number, oid, _size, modifier, _format = struct.unpack_from("!IHIhiH", body, end + 1)
        columns.append((body[at:end].decode(), oid, modifier))
        at = end + 19
    return columns


def _row(body, binary):
    count, at, row = struct.unpack_from("!H", body)[0], 2, []
    for _ in range(count):
        length = struct.unpack_from("!i", body, at)[0]
        at += 4
        if length < 0:
            row.append(None)
        else:
            value = body[at : at + length]
            row.append(value.hex() if binary else value.decode("utf8", "replace"))
            at += length
    return tuple(row)


def _fields(body):
    return {part[:1].decode(): part[1:].decode("utf8", "replace") for part in body.split(b"\0") if part}
