"""What a run wants of the machine, asked before minutes are spent: a port, a folder, room in it."""
import errno
import fcntl
import os
import shutil
import socket
import tempfile

from processes import Failed

ROOM_BYTES = 64 << 20  # a check takes 6 MB, a long demonstration some more
BUILD_BYTES = 1 << 30
MARK = "lock"


def want_port(port):
    if port == 0:
        return
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
        except OSError as e:
            raise Failed(f"port {port}: {e.strerror}; give another --port, or none for a free one")


def want_room(folder, needed):
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise Failed(f"{folder} has {free >> 20} MB free, and {needed >> 20} are wanted")


def own(state):
    """Takes a folder for the state: a new one, an empty one or one of an earlier run.  The lock is
    held until this process ends."""
    if state is None:
        state = tempfile.mkdtemp(prefix="moorwatch-run-")
    try:
        os.makedirs(state, exist_ok=True)
    except OSError as e:
        raise Failed(f"{state}: {e.strerror}; give another --state")
    if os.listdir(state) and not os.path.exists(os.path.join(state, MARK)):
        raise Failed(f"{state} holds something else; give --state a new folder, an empty one or "
                     "that of an earlier run")
    lock = os.open(os.path.join(state, MARK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as e:
        if e.errno != errno.EWOULDBLOCK:
            raise
        raise Failed(f"another tools/run works in {state}; give another --state")
    want_room(state, ROOM_BYTES)
    return state
