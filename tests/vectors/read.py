#!/usr/bin/python3
"""read.py VECTORS-DIRECTORY WIRE-DIRECTORY: an independent reading of the golden payloads.

Uses nothing of Moorwatch but moorwatch.proto and WIRE.md: protoc's own --decode, openssl's own
verification, zlib's raw inflate, and the code of columns written from WIRE.md 4.  Compares what it
reads with NAME.txt, and checks that a changed byte is noticed.
"""
import ast
import hashlib
import pathlib
import re
import subprocess
import sys
import tempfile
import zlib

VECTORS, WIRE = map(pathlib.Path, sys.argv[1:3])

# WIRE.md 3: number of the kind, its name, its field of Body, the unit of its times in ms.
KINDS = {1: ("passage", "passages", 10), 2: ("session", "sessions", 1), 3: ("lock", "locks", 1),
         4: ("health", "healths", 1), 5: ("anchor", "anchors", 1), 6: ("gap", "gaps", 1),
         7: ("fault", "faults", 1)}


def protoc(message, data):
    """protoc's text of a message, as nested dictionaries of lists."""
    text = subprocess.run(["protoc", f"--proto_path={WIRE}", f"--decode=moorwatch.{message}",
                           "moorwatch.proto"], input=data, stdout=subprocess.PIPE, check=True).stdout
    stack = [{}]
    for line in text.decode().splitlines():
        line = line.strip()
        if line.endswith("{"):
            inner = {}
            stack[-1].setdefault(line[:-1].strip(), []).append(inner)
            stack.append(inner)
        elif line == "}":
            stack.pop()
        else:
            name, value = line.split(": ", 1)
            value = ast.literal_eval("b" + value) if value[0] == '"' else int(value)
            stack[-1].setdefault(name, []).append(value)
    return stack[0]


def one(message, name, default=0):
    values = message.get(name, [default])
    assert len(values) == 1, f"{name} stands there {len(values)} times"
    return values[0]


def columns_of(name):
    """The columns of a message in moorwatch.proto, in its order."""
    proto = (WIRE / "moorwatch.proto").read_text()
    body = re.search(r"message %s \{(.*?)\n\}" % name, proto, re.S)[1]
    return re.findall(r"^\s*Column (\w+) = \d+;", body, re.M)


def column(message, count):
    """WIRE.md 4."""
    if message is None:
        return [0] * count
    base, code, data = one(message, "base"), one(message, "code"), one(message, "bits", b"")
    if not data:
        assert code == 0
        return [base] * count
    bits = "".join(f"{byte:08b}" for byte in data)
    kind, k = code & 3, code >> 2
    at, values = 0, []
    for _ in range(count):
        quotient = 0
        if kind != 2:
            end = bits.index("0", at)
            quotient, at = end - at, end + 1
        rest = bits[at:at + k]
        assert len(rest) == k
        at += k
        symbol = (quotient << k) + (int(rest, 2) if k else 0)
        if kind == 1:
            symbol = symbol // 2 if symbol % 2 == 0 else -(symbol + 1) // 2
        values.append(base + symbol)
    assert len(bits) - at < 8 and "1" not in bits[at:], "bits are left over"
    return values


def rows_of(number, group, count):
    """The rows of one kind, as text."""
    name, field, unit = KINDS[number]
    time, rows = one(group, "first"), []
    times = [time]
    for difference in column(one(group, "time", None), count - 1):
        times.append(times[-1] + difference)
    names = columns_of(field.capitalize())
    assert names[0] == "time"
    values = {n: column(one(group, n, None), count) for n in names[1:]}
    text = one(group, "site", b"").decode()
    for i in range(count):
        row = f"{name} t_ms={times[i] * unit}"
        for n in names[1:]:
            if n == "site_length":
                row += f" site={text[:values[n][i]]}"
                text = text[values[n][i]:]
            else:
                row += f" {n}={values[n][i]}"
        rows.append(row)
    assert text == ""
    return rows


def dictionary():
    """WIRE.md 5."""
    block = re.search(r"Dictionary 1.*?```\n(.*?)```", (WIRE / "WIRE.md").read_text(), re.S)[1]
    data = bytes.fromhex(block)
    assert hashlib.sha256(data).hexdigest().startswith("9f8493cdac0b124c")  # as in vector_test.c
    return data


def inflate(data, size):
    stream = zlib.decompressobj(-15, zdict=dictionary())
    body = stream.decompress(data, size + 1)
    assert stream.eof and stream.unused_data == b"" and len(body) == size
    return body


def integer(raw):
    raw = raw.lstrip(b"\0") or b"\0"
    raw = b"\0" + raw if raw[0] & 0x80 else raw
    return bytes([2, len(raw)]) + raw


def signed(payload):
    """WIRE.md 2, by the openssl command."""
    assert payload[-66:-64] == b"\x7a\x40"
    der = integer(payload[-64:-32]) + integer(payload[-32:])
    with tempfile.NamedTemporaryFile() as signature:
        signature.write(bytes([0x30, len(der)]) + der)
        signature.flush()
        return subprocess.run(["openssl", "dgst", "-sha256", "-verify", VECTORS / "test.pub",
                               "-signature", signature.name], input=payload[:-66],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def read_batch(payload):
    assert signed(payload), "the signature does not hold"
    envelope = protoc("Envelope", payload)
    assert one(envelope, "signature") == payload[-64:]
    h = protoc("Header", one(envelope, "header"))
    assert one(h, "schema") == 1
    body = one(envelope, "body")
    body = inflate(body, one(h, "body_size")) if one(h, "codec") == 1 else body
    assert len(body) == one(h, "body_size")
    b, events = protoc("Body", body), one(h, "events")
    order = column(one(b, "order", None), events)
    rows = {n: rows_of(n, one(b, KINDS[n][1], {}), order.count(n)) for n in set(order)}
    line = "header device=" + one(h, "device", b"").decode()
    for name in ("spool_id", "class", "seq", "boot_id", "anchor_boot_ms", "anchor_unix_ms",
                 "anchor_quality"):
        line += f" {name}={one(h, name)}"
    line += f" previous={one(h, 'previous', b'').hex()} events={events}"
    return "\n".join([line] + [rows[n].pop(0) for n in order]) + "\n"


def read_ack(payload):
    assert signed(payload), "the signature does not hold"
    a = protoc("Acknowledgement", payload)
    assert (one(a, "device"), one(a, "spool_id"), one(a, "class"), one(a, "upto"), a["also"]) == (
        b"kit-stockton-1", 0x1122334455667788, 1, 1234, [1236, 1240])


def main():
    names = sorted(p.stem for p in VECTORS.glob("*.bin") if p.stem != "ack")
    assert names, "no golden payloads"
    for name in names:
        payload = (VECTORS / f"{name}.bin").read_bytes()
        got, want = read_batch(payload), (VECTORS / f"{name}.txt").read_text()
        if got != want:
            for g, w in zip(got.splitlines(), want.splitlines()):
                if g != w:
                    sys.exit(f"{name}: read\n  {g}\nwanted\n  {w}")
            sys.exit(f"{name}: another number of lines")
        for at in (3, len(payload) // 2, len(payload) - 1):
            changed = bytearray(payload)
            changed[at] ^= 1
            assert not signed(bytes(changed)), f"{name}: a change at {at} is not noticed"
        print(f"{name}: {len(payload)} bytes, {want.count(chr(10)) - 1} events")
    read_ack((VECTORS / "ack.bin").read_bytes())
    print("ack: as it should be")


main()
