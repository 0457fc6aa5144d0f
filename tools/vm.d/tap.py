"""A listener in the line between broker and collector: nothing passes before it is stamped.

The collector connects here instead of to the broker.  Each piece of data gets stamp() before it is
handed on, so what a stamp does not cover yet, the other side cannot have answered.
"""
import socket
import ssl
import threading

PUBLISH = 3


class Tap:
    def __init__(self, keys, port, stamp):
        self.keys, self.broker, self.stamp = keys, port, stamp
        self.pieces = {"down": [], "up": []}  # (stamp, bytes); down: to the collector
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def context(self, side, name):
        c = ssl.SSLContext(side)
        c.load_verify_locations(self.keys.cert("ca"))
        c.verify_mode = ssl.CERT_REQUIRED
        c.load_cert_chain(self.keys.cert(name), self.keys.key(name))
        return c

    def serve(self):
        inside = self.context(ssl.PROTOCOL_TLS_SERVER, "broker")
        outside = self.context(ssl.PROTOCOL_TLS_CLIENT, "collector")
        while True:
            try:
                peer, _ = self.server.accept()
                collector = inside.wrap_socket(peer, server_side=True)
                broker = outside.wrap_socket(socket.create_connection(("127.0.0.1", self.broker)),
                                             server_hostname="localhost")
            except OSError:
                return
            for way, source, sink in (("down", broker, collector), ("up", collector, broker)):
                threading.Thread(target=self.pump, args=(way, source, sink), daemon=True).start()

    def pump(self, way, source, sink):
        try:
            while data := source.recv(65536):
                self.pieces[way].append((self.stamp(), data))
                sink.sendall(data)
        except OSError:
            pass
        for s in (source, sink):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.server.close()

    def published(self, way):
        """[(stamp, topic, payload)]: a message counts from its last byte on."""
        data = b"".join(piece for _, piece in self.pieces[way])
        ends, total = [], 0
        for stamp, piece in self.pieces[way]:
            total += len(piece)
            ends.append((total, stamp))
        found, n = [], 0
        for end, topic, payload in publishes(data):
            while ends[n][0] < end:
                n += 1
            found.append((ends[n][1], topic, payload))
        return found


def publishes(data):
    """MQTT 3.1.1's PUBLISH packets of a stream: (where it ends, topic, payload)."""
    at = 0
    while at < len(data):
        kind, at = data[at], at + 1
        size = shift = 0
        while at < len(data):
            byte, at = data[at], at + 1
            size, shift = size | (byte & 127) << shift, shift + 7
            if byte < 128:
                break
        body, at = data[at:at + size], at + size
        if kind >> 4 == PUBLISH and len(body) == size:
            n = int.from_bytes(body[:2], "big") + 2
            yield at, body[2:n].decode(), body[n + (2 if kind & 6 else 0):]
