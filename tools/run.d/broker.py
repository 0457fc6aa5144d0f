"""A mosquitto of our own: TLS 1.3 with certificates on both sides, names from certificates."""
import os
import shutil
import socket

CONF = """\
# Made by tools/run.
listener {port} 127.0.0.1
cafile {ca}
certfile {cert}
keyfile {key}
require_certificate true
use_identity_as_username true
tls_version tlsv1.3
allow_anonymous false
acl_file {acl}
persistence true
persistence_location {folder}/
autosave_interval 60
max_inflight_messages 200
max_queued_messages 20000
max_packet_size 1000000
set_tcp_nodelay true
log_dest stderr
log_type error
log_type warning
log_type notice
{user}
"""

# A device writes its own topics and reads its own acknowledgements; the collector reads all and
# acknowledges.  Nothing else is allowed to anybody.
ACL = """\
user collector
topic read mw/1/+/+
topic write mw/1/+/ack

pattern write mw/1/%u/a
pattern write mw/1/%u/e
pattern write mw/1/%u/t
pattern write mw/1/%u/status
pattern read mw/1/%u/ack
"""


def program():
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


def configure(folder, keys, port):
    folder.mkdir(parents=True, exist_ok=True)
    acl, conf = folder / "acl", folder / "mosquitto.conf"
    acl.write_text(ACL)
    os.chmod(acl, 0o600)
    conf.write_text(CONF.format(
        port=port, ca=keys.cert("ca"), cert=keys.cert("broker"), key=keys.key("broker"), acl=acl,
        folder=folder, user="user root" if os.geteuid() == 0 else ""))
    return conf


def listens(port):
    with socket.socket() as s:
        s.settimeout(1)
        return s.connect_ex(("127.0.0.1", port)) == 0


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]
