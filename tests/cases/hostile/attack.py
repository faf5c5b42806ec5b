"""Handshakes that go wrong on purpose, on top of tlslite-ng: whatever a TLS library sends passes `Attack`, which spoils
the record at one step. `attack.py client PORT CERT KEY` does every attack on a listener, `attack.py server CERT KEY`
waits for senders, a port for each attack. One line an attack: its name, the port that tells it apart, and how the other
side ended it (`alert N`, `closed`, `reset`, or `open`, when it did not)."""

import os
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

from tlslite.api import HandshakeSettings, TLSConnection, X509, X509CertChain, parsePEMKey
from tlslite.constants import ContentType
from tlslite.errors import TLSRemoteAlert
from tlslite.messages import Message

PATIENCE = 20
# Attacks at once.
WIDTH = 32
# How many records of a kind make a flood.
FLOOD = 400


class Done(Exception):
    """The attack has been made; what is left is to see the answer."""


class Attack(TLSConnection):
    """Sends as it should until a step, and there does something else."""

    def __init__(self, sock, step, spoil):
        super().__init__(sock)
        self.step, self.spoil, self.sent = step, spoil, 0
        # The answer is read from the socket when the library has given up.
        self.closeSocket = False

    def _queue_message(self, msg):
        # One record a message, so that each is a step.
        for _ in self._sendMsg(msg):
            pass

    def _queue_flush(self):
        return iter(())

    def _sendMsgThroughSocket(self, msg):
        # A flight leaves record by record.
        self.sock.buffer_writes = False
        here, self.sent = self.sent, self.sent + 1
        if here == self.step:
            self.spoil(self, msg)
            return iter(())
        return super()._sendMsgThroughSocket(msg)

    def put(self, kind, body):
        """A record with these bytes, sealed when the time for that has come."""
        for _ in self._recordLayer.sendRecord(Message(kind, bytearray(body))):
            pass

    def raw(self, record):
        """Bytes past the record layer."""
        self.sock.flush()
        self.sock.socket.sendall(bytes(record))


HANDSHAKE, ALERT, CCS, DATA = (
    ContentType.handshake, ContentType.alert, ContentType.change_cipher_spec, ContentType.application_data)


def end_after(act):
    def spoil(conn, msg):
        act(conn, msg.contentType, bytes(msg.write()))
        raise Done()
    return spoil


def go_on_after(act):
    def spoil(conn, msg):
        act(conn, msg.contentType, bytes(msg.write()))
    return spoil


def flood(kind, body):
    def act(conn, _kind, _body):
        for _ in range(FLOOD):
            conn.put(kind, body)
    return act


def twice(conn, kind, body):
    conn.put(kind, body)
    conn.put(kind, body)


def flip(conn, kind, body):
    conn.put(kind, body[:-1] + bytes([body[-1] ^ 0xff]))


# What is done in place of the record at a step. No handshake message is of kind 9; kind 0 would be one that clients skip.
SPOILS = {
    "fatal-alert": end_after(lambda c, k, b: c.put(ALERT, [2, 40])),
    "close-notify": end_after(lambda c, k, b: c.put(ALERT, [1, 0])),
    "half-an-alert": end_after(lambda c, k, b: (c.put(ALERT, [2]), c.put(DATA, b"x"))),
    "unknown-alert": end_after(lambda c, k, b: c.put(ALERT, [2, 213])),
    "warnings": go_on_after(flood(ALERT, [1, 90])),
    "twice": go_on_after(twice),
    "missing": go_on_after(lambda c, k, b: None),
    "cut": end_after(lambda c, k, b: c.put(k, b[:len(b) // 2])),
    "cut-then-more": go_on_after(lambda c, k, b: c.put(k, b[:-1])),
    "endless": end_after(lambda c, k, b: c.put(HANDSHAKE, b[:1] + b"\xff\xff\xff" + b[4:])),
    "flipped": go_on_after(flip),
    "trailing": go_on_after(lambda c, k, b: c.put(k, b + bytes([9]) * 64)),
    "oversized": end_after(lambda c, k, b: c.raw([k, 3, 3, 0x48, 1] + [7] * 0x4801)),
    "plain-oversized": end_after(lambda c, k, b: c.put(k, b + bytes(2 ** 14 + 1))),
    "empty-records": end_after(lambda c, k, b: [c.put(HANDSHAKE, b"") for _ in range(FLOOD)]),
    "wrong-type": end_after(lambda c, k, b: c.raw([99, 3, 3, 0, 4, 1, 2, 3, 4])),
    "heartbeat": end_after(lambda c, k, b: c.raw([24, 3, 3, 0, 3, 1, 0x40, 0])),
    "wrong-version": end_after(lambda c, k, b: c.raw([22, 9, 9, 0, 4, 1, 2, 3, 4])),
    "data-too-early": end_after(lambda c, k, b: c.raw([23, 3, 3, 0, 6]) or c.raw(b"<13>x\n")),
    "text": end_after(lambda c, k, b: c.raw(b"<13>1 - h a - - - plain text in the middle\n")),
    "change-cipher": end_after(flood(CCS, [1])),
    "wrong-change-cipher": end_after(lambda c, k, b: c.raw([20, 3, 3, 0, 1, 9])),
    "silence": end_after(lambda c, k, b: None),
}

# What is sent on a connection that is open; for those of one version only, which.
LATER = {
    # RFC 5246 7.4.1.1: the first may be answered with a warning.
    "renegotiation": (None, lambda c: [c.put(HANDSHAKE, c.first) for _ in range(3)]),
    "hello-request": (None, lambda c: [c.put(HANDSHAKE, [0, 0, 0, 0]) for _ in range(3)]),
    "certificate-out-of-the-blue": (None, lambda c: c.put(HANDSHAKE, [11, 0, 0, 4, 0, 0, 0, 0])),
    "finished-again": (None, lambda c: c.put(HANDSHAKE, [20, 0, 0, 12] + [1] * 12)),
    "key-updates": ((3, 4), lambda c: c.put(HANDSHAKE, [24, 0, 0, 1, 7])),
    "early-data-end": ((3, 4), lambda c: c.put(HANDSHAKE, [5, 0, 0, 0])),
    "bad-seal": (None, lambda c: c.raw([23, 3, 3, 0, 64] + [5] * 64)),
    "plain-alert": (None, lambda c: c.raw([21, 3, 3, 0, 2, 2, 40])),
    "oversized-later": (None, lambda c: c.raw([23, 3, 3, 0x48, 1] + [7] * 0x4801)),
    "warnings-later": (None, lambda c: [c.put(ALERT, [1, 90]) for _ in range(FLOOD)]),
    "alert-later": (None, lambda c: c.put(ALERT, [2, 20])),
}


def settings(version):
    chosen = HandshakeSettings()
    chosen.minVersion = chosen.maxVersion = version
    # It would compress without having been asked to.
    chosen.certificate_compression_send = chosen.certificate_compression_receive = []
    return chosen


def read_end(sock):
    """How the other side ends a connection: everything up to its end is read."""
    last = b""
    try:
        while True:
            got = sock.recv(65536)
            if not got:
                break
            last = (last + got)[-7:]
    except socket.timeout:
        return "open"
    except OSError:
        return "reset"
    if len(last) == 7 and last[:1] == b"\x15" and last[3:5] == b"\x00\x02":
        return f"alert {last[6]}"
    return "closed"


def outcome(sock, act):
    """Runs an attack, and what became of the connection."""
    try:
        act()
    except TLSRemoteAlert as alert:
        return f"alert {alert.description}"
    except Done:
        pass
    except Exception as error:  # noqa: BLE001: what the other side's answer does to a library that misbehaves is no matter
        if os.environ.get("ATTACK_DEBUG"):
            print(repr(error), file=sys.stderr)
    return read_end(sock)


def credentials(cert, key, copies=1):
    with open(cert, encoding="ascii") as file:
        own = X509().parse(file.read())
    with open(key, encoding="ascii") as file:
        return X509CertChain([own] * copies), parsePEMKey(file.read(), private=True)


def shake(conn, side, chain, key, version):
    if side == "client":
        conn.handshakeClientCert(chain, key, settings=settings(version))
    else:
        conn.handshakeServer(certChain=chain, privateKey=key, settings=settings(version))


def attacks(side):
    """Name, version, and what it does with an open socket and credentials."""
    made = []
    for version, word in [((3, 3), "1.2"), ((3, 4), "1.3")]:
        steps = {("client", "1.2"): 5, ("client", "1.3"): 5, ("server", "1.2"): 6, ("server", "1.3"): 6}[side, word]
        for step in range(steps):
            for name, spoil in SPOILS.items():
                def run(sock, chain, key, step=step, spoil=spoil, version=version):
                    conn = Attack(sock, step, spoil)
                    shake(conn, side, chain, key, version)
                    conn.read(max=1, min=1)
                made.append((f"{word}/{step}/{name}", run))
        for name, (only, act) in LATER.items():
            def later(sock, chain, key, act=act, version=version):
                conn = Attack(sock, 0, keep)
                shake(conn, side, chain, key, version)
                act(conn)
            if only in (None, version):
                made.append((f"{word}/open/{name}", later))
        for copies in (200, 3000):
            def chained(sock, chain, key, copies=copies, version=version):
                long = X509CertChain([chain.x509List[0]] * copies)
                conn = Attack(sock, None, None)
                shake(conn, side, long, key, version)
                conn.read(max=1, min=1)
            made.append((f"{word}/chain/{copies}", chained))
    return made


def keep(conn, msg):
    conn.first = bytes(msg.write())
    conn.put(msg.contentType, conn.first)


def client(port, cert, key):
    chain, secret = credentials(cert, key)
    said = threading.Lock()

    def one(attack):
        name, run = attack
        sock = socket.create_connection(("127.0.0.1", port), PATIENCE)
        own = sock.getsockname()[1]
        how = outcome(sock, lambda: run(sock, chain, secret))
        sock.close()
        with said:
            print(f"{name}\t{own}\t{how}", flush=True)

    with ThreadPoolExecutor(WIDTH) as pool:
        list(pool.map(one, attacks("client")))


def server(cert, key):
    chain, secret = credentials(cert, key)
    said = threading.Lock()

    def one(attack, listener):
        name, run = attack
        port = listener.getsockname()[1]
        sock, _ = listener.accept()
        listener.close()
        sock.settimeout(PATIENCE)
        how = outcome(sock, lambda: run(sock, chain, secret))
        sock.close()
        with said:
            print(f"{name}\t{port}\t{how}", flush=True)

    pairs = [(attack, socket.create_server(("127.0.0.1", 0))) for attack in attacks("server")]
    print("ports\t" + " ".join(str(listener.getsockname()[1]) for _, listener in pairs), flush=True)
    threads = [threading.Thread(target=one, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    if sys.argv[1] == "client":
        client(int(sys.argv[2]), *sys.argv[3:5])
    else:
        server(*sys.argv[2:4])
