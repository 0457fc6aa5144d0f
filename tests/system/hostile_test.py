#!/usr/bin/env python3
"""Hostile batches through a real broker into the real collector.

usage: hostile_test.py BIN_DIR SOURCE_DIR

The batches are written here from WIRE.md and moorwatch.proto alone, and signed by openssl: also a
proof that the document suffices to build a device.  Good ones are stored once and acknowledged, bad
ones are refused with their reason and kept, and the collector lives.
"""
import hashlib
import sqlite3
import struct
import subprocess
import sys
import time
import unittest
import zlib

from daemon_test import BIN, MOSQUITTO, SOURCE, Place, wait_for

PAYLOAD_MAX = 90624  # WIRE.md 9
# enum refusal (collector/store/rows.h)
OVERSIZED, MALFORMED, VERSION, WRONG_NAME, SIGNATURE, IDENTITY, BOMB, CONTENT = (
    1, 4, 5, 6, 7, 8, 9, 11)


def varint(value):
    out = b""
    while value > 0x7f:
        out += bytes([value & 0x7f | 0x80])
        value >>= 7
    return out + bytes([value])


def number(field, value):
    return varint(field << 3) + varint(value)


def signed_number(field, value):
    return number(field, 2 * value if value >= 0 else -2 * value - 1)


def fixed64(field, value):
    return varint(field << 3 | 1) + struct.pack("<Q", value)


def data(field, value):
    return varint(field << 3 | 2) + varint(len(value)) + value


def constant(field, value):
    """A Column whose every value is `value` (WIRE.md 4: no bits)."""
    return data(field, signed_number(1, value))


def passages(first):
    """A Body of three passages: 30.0 mph, 0.5 s, 55 dB, one second apart (steps of 10 ms)."""
    rows = (signed_number(1, first) + constant(2, 100) + constant(4, 300) + constant(5, 5)
            + constant(6, 55))
    return constant(1, 1) + data(2, rows)


class Device:
    def __init__(self, place, name):
        self.place, self.name, self.key = place, name, name + ".key"
        self.previous, self.seq = b"", 0

    def header(self, body_size, **other):
        v = {"schema": 1, "device": self.name, "class": 1, "seq": self.seq, "codec": 0,
             "events": 3, "body_size": body_size, **other}
        return (number(1, v["schema"]) + data(2, v["device"].encode()) + fixed64(3, 0xfeed)
                + number(4, v["class"]) + number(5, v["seq"]) + fixed64(6, 0xb007)
                + signed_number(7, 100000) + signed_number(8, int(time.time() * 1000))
                + number(9, 2) + (data(10, self.previous) if self.previous else b"")
                + number(11, v["codec"]) + number(12, v["body_size"]) + number(13, v["events"]))

    def payload(self, body=None, key=None, **other):
        body = passages(1000 + 1000 * self.seq) if body is None else body
        size = other.pop("body_size", len(body))
        head = data(1, self.header(size, **other)) + data(2, body)
        return head + b"\x7a\x40" + self.sign(head, key or self.key)

    def sign(self, text, key):
        der = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key], input=text,
                             cwd=self.place.dir, capture_output=True, check=True).stdout
        r_len = der[3]
        r, s = der[4:4 + r_len], der[6 + r_len:]
        return r[-32:].rjust(32, b"\0") + s[-32:].rjust(32, b"\0")

    def good(self):
        """The next batch of the chain."""
        payload = self.payload()
        self.previous = hashlib.sha256(payload).digest()[:16]
        self.seq += 1
        return payload


class Hostile(unittest.TestCase):
    def setUp(self):
        self.place = Place()
        self.addCleanup(self.place.end)
        self.place.broker()
        self.place.subscriber()
        fleet = self.place.write("fleet.ini", f"""[site yarm]
name = Yarm
limit = 30
[device kit-1]
kind = speedwatch
key = {self.place.path('kit-1.crt')}
site = yarm
[device hub-1]
kind = padlock
key = {self.place.path('hub-1.crt')}
""")
        subprocess.run([BIN / "moorwatch", "register", "--db", self.place.path("c.db"), fleet],
                       check=True, capture_output=True)
        conf = self.place.write("collector.conf", f"""[store]
path = {self.place.path('c.db')}
[broker]
host = 127.0.0.1
port = {self.place.port}
ca = {self.place.path('ca.pem')}
certificate = {self.place.path('collector.crt')}
key = {self.place.path('collector.key')}
[ingest]
signing_key = {self.place.path('collector.key')}
[http]
port = 0
web = {SOURCE / 'collector/web'}
""")
        self.collector = self.place.start(BIN / "moorwatch-collector", "-c", conf, log="c.log")
        wait_for("the collector", lambda: "connected" in self.place.log("c.log"))

    def publish(self, payload, topic="mw/1/kit-1/e"):
        (self.place.dir / "payload").write_bytes(payload)
        subprocess.run(["mosquitto_pub", "-h", "127.0.0.1", "-p", str(self.place.port), "--cafile",
                        "ca.pem", "--cert", "kit-1.crt", "--key", "kit-1.key", "-q", "1", "-t",
                        topic, "-f", "payload"], cwd=self.place.dir, check=True)

    def ask(self, sql):
        with sqlite3.connect(f"file:{self.place.path('c.db')}?mode=ro", uri=True, timeout=5) as db:
            return db.execute(sql).fetchall()

    def acknowledgements(self):
        return [bytes.fromhex(m[1]) for m in self.place.messages() if m[0] == "mw/1/kit-1/ack"]

    def test_bad_batches_are_refused_and_good_ones_go_on(self):
        kit = Device(self.place, "kit-1")
        first = kit.good()
        self.publish(first)
        wait_for("the first batch", lambda: self.ask("SELECT 1 FROM batches"))
        wait_for("its acknowledgement", self.acknowledgements)
        zeros = zlib.compressobj(9, zlib.DEFLATED, -15)
        bomb = zeros.compress(bytes(1 << 20)) + zeros.flush()
        forged = bytearray(kit.payload())
        forged[len(forged) // 2] ^= 1
        bad = (
            (MALFORMED, "empty", b""),
            (MALFORMED, "garbage", bytes(range(256))),
            (MALFORMED, "truncated", kit.payload()[:-10]),
            (OVERSIZED, "one byte too many", bytes(PAYLOAD_MAX + 1)),
            (SIGNATURE, "a bit turned", bytes(forged)),
            (SIGNATURE, "another's key", kit.payload(key="stranger.key")),
            (WRONG_NAME, "another's name", kit.payload(device="hub-1")),
            (WRONG_NAME, "another class", kit.payload(**{"class": 0})),
            (VERSION, "a schema to come", kit.payload(schema=2)),
            (BOMB, "1 MiB out of 200 bytes", kit.payload(bomb, codec=1, body_size=200)),
            (BOMB, "a body of 2 GiB", kit.payload(bomb, codec=1, body_size=1 << 31)),
            (CONTENT, "not a body", kit.payload(b"\xff" * 20)),
            (CONTENT, "bits for three of five", kit.payload(constant(1, 1) + data(2, data(
                4, number(2, 8 << 2 | 2) + data(3, b"abc"))), events=5)),
            (IDENTITY, "another batch 0", kit.payload(seq=0)),
        )
        for expected, what, payload in bad:
            before = self.ask("SELECT count(*) FROM refused")[0][0]
            self.publish(payload)
            wait_for("a refusal of " + what, lambda: self.ask(
                "SELECT count(*) FROM refused")[0][0] == before + 1)
            reason, length = self.ask("SELECT reason, len FROM refused ORDER BY id DESC LIMIT 1")[0]
            self.assertEqual((expected, len(payload)), (reason, length), what)
        acks = len(self.acknowledgements())
        self.publish(first)  # replayed: acknowledged again, stored once
        wait_for("the second acknowledgement", lambda: len(self.acknowledgements()) > acks)
        for _ in range(3):
            self.publish(kit.good())
        wait_for("the good ones", lambda: self.ask("SELECT count(*) FROM batches")[0][0] == 4)
        self.assertEqual([(12,)], self.ask("SELECT count(*) FROM passages"))
        self.assertEqual([(300,)], self.ask("SELECT DISTINCT speed FROM passages"))
        self.assertIsNone(self.collector.poll())
        verified = subprocess.run([BIN / "moorwatch", "verify", "--db", self.place.path("c.db")],
                                  capture_output=True, text=True)
        self.assertEqual(0, verified.returncode, verified.stdout + verified.stderr)


if __name__ == "__main__":
    if MOSQUITTO is None:
        print("skipped: no mosquitto on this machine")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1] + sys.argv[4:], verbosity=2)
