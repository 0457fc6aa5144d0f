"""pipe.py PORT: standard input and output to 127.0.0.1:PORT, until either side ends."""
import os
import select
import socket
import sys

with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as s:
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while True:
        for ready in select.select([0, s], [], [])[0]:
            data = os.read(0, 65536) if ready == 0 else s.recv(65536)
            if not data:
                sys.exit(0)
            if ready == 0:
                s.sendall(data)
            else:
                os.write(1, data)
