#!/bin/bash
# collector_test COLLECTOR MOORWATCH PUMP SOURCE: the collector's process on a real TLS broker: its
# options and errors; delivery over kill -9 of the collector and of the broker; a wrong certificate;
# a full disk.
set -euo pipefail
collector=$1 moorwatch=$2 pump=$3 source=$4
mosquitto=$(command -v mosquitto || echo /usr/sbin/mosquitto)
[ -x "$mosquitto" ] || { echo "skipped: no mosquitto"; exit 0; }
dir=$(mktemp -d /tmp/moorwatch-collector-XXXXXX)
cd "$dir"
broker_pid='' collector_pid=''
trap 'kill -9 $broker_pid $collector_pid 2>/dev/null || true; rm -rf "$dir"' EXIT
fail() { echo "FAILED: $*"; tail -n 20 ./*.log; exit 1; }

key() { # NAME CA: a P-256 key with a certificate for localhost
    openssl ecparam -name prime256v1 -genkey -noout -out "$1.key" 2>/dev/null
    openssl req -new -key "$1.key" -subj "/CN=$1" -out "$1.csr" 2>/dev/null
    openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -CAcreateserial -days 2 \
        -extfile <(echo "subjectAltName=DNS:localhost,IP:127.0.0.1") -out "$1.pem" 2>/dev/null
}
for ca in ca stranger; do
    openssl ecparam -name prime256v1 -genkey -noout -out $ca.key 2>/dev/null
    openssl req -x509 -new -key $ca.key -subj /CN=$ca -days 2 -out $ca.pem 2>/dev/null
done
for name in broker collector kit-1; do key $name ca; done
key impostor stranger
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')

cat > broker.conf <<CONF
user $(id -un)
listener $port 127.0.0.1
cafile $dir/ca.pem
certfile $dir/broker.pem
keyfile $dir/broker.key
require_certificate true
use_identity_as_username true
allow_anonymous false
max_queued_messages 20000
CONF
configure() { # NAME CERTIFICATE
    cat > "$1.conf" <<CONF
[store]
path = $dir/c.db
[broker]
port = $port
ca = $dir/ca.pem
certificate = $dir/$2.pem
key = $dir/$2.key
[ingest]
signing_key = $dir/collector.key
[http]
port = 0
web = $source/collector/web
leaflet = ${LEAFLET:-/usr/share/javascript/leaflet}
CONF
}
configure good collector
configure impostor impostor

waits_for() { # FILE TEXT
    for _ in $(seq 300); do
        grep -qF -- "$2" "$1" 2>/dev/null && return
        sleep 0.1
    done
    fail "$1 does not say '$2'"
}
start_broker() { "$mosquitto" -c broker.conf > broker.log 2>&1 & broker_pid=$!; }
start_collector() { # CONF LOG
    "$collector" -c "$1.conf" > "$2" 2>&1 &
    collector_pid=$!
}
pump_batches() { # N
    echo go | timeout 60 "$pump" --port "$port" --ca ca.pem --cert kit-1.pem --key kit-1.key \
        --collector collector.pem --device kit-1 --batches "$1" --events 50
}
stored() { "$moorwatch" verify --db c.db --json 2>/dev/null | grep -o '"events_stored":[0-9]*' | cut -d: -f2; }

# -- options and configuration
"$collector" --help | grep -q "usage:" || fail "--help"
"$collector" --version | grep -q moorwatch-collector || fail "--version"
"$collector" --defaults > defaults.conf
"$collector" -n -c defaults.conf | grep -q good || fail "--defaults do not load"
printf '[broker]\nhots = x\nport = 99999\n' > wrong.conf
status=0; "$collector" -n -c wrong.conf 2> err || status=$?
[ $status = 78 ] || fail "a wrong configuration ends with $status, not 78"
grep -q 'wrong.conf:2: hots' err && grep -q 'wrong.conf:3: port' err || fail "$(cat err)"
sed "s|^signing_key.*|signing_key = $dir/gone.key|" good.conf > nokey.conf
status=0; "$collector" -c nokey.conf 2> err || status=$?
[ $status = 1 ] && grep -q "signing_key must name" err || fail "$(cat err)"

printf '[device kit-1]\nkind = speedwatch\nkey = kit-1.pem\nsite = yarm\n[site yarm]\nname = Yarm\nlimit = 30\n' > fleet.ini
"$moorwatch" register --db c.db fleet.ini 2> /dev/null

# -- no broker, then one: it is said once, and found by itself
start_collector good a.log
waits_for a.log "trying again"
start_broker
waits_for a.log "connected"
[ "$(grep -c 'trying again' a.log)" = 1 ] || fail "said more than once"
pump_batches 50 > pump.log || fail "the first batches"
[ "$(stored)" = 2500 ] || fail "stored $(stored), not 2500"

# -- kill -9 of the collector in the middle
pump_batches 600 > pump.log 2>&1 & pumping=$!
sleep 0.4; kill -9 $collector_pid; wait $collector_pid 2>/dev/null || true
start_collector good b.log
wait $pumping || fail "the batches over a kill -9 of the collector: $(cat pump.log)"
[ "$(stored)" = 32500 ] || fail "stored $(stored), not 32500"

# -- kill -9 of the broker: the collector comes back by itself
kill -9 $broker_pid; wait $broker_pid 2>/dev/null || true
waits_for b.log "trying again"
start_broker
for _ in $(seq 100); do [ "$(grep -c connected b.log)" = 2 ] && break; sleep 0.1; done
pump_batches 20 > pump.log || fail "the batches after the broker's death"
[ "$(stored)" = 33500 ] || fail "stored $(stored), not 33500"
kill $collector_pid; wait $collector_pid || fail "SIGTERM does not end it with 0"

# -- a full disk (no file may be written beyond 256 KiB): nothing is acknowledged, it is said once
(trap '' XFSZ; ulimit -f 256; exec "$collector" -c good.conf > full.log 2>&1) &
collector_pid=$!
waits_for full.log "connected"
timeout 60 "$pump" --port "$port" --ca ca.pem --cert kit-1.pem --key kit-1.key --collector collector.pem \
    --device kit-1 --batches 2000 --events 500 < <(echo go) > pump.log 2>&1 & pumping=$!
waits_for full.log "nothing is acknowledged until it works again"
sleep 1
kill $pumping 2>/dev/null || true
wait $pumping && fail "acknowledged on a full disk"
[ "$(grep -c 'until it works again' full.log)" = 1 ] || fail "a full disk is said more than once"
kill $collector_pid; wait $collector_pid || fail "SIGTERM on a full disk does not end it with 0"
"$moorwatch" verify --db c.db > /dev/null 2> err || fail "a full disk has damaged the record: $(cat err)"

# -- a certificate that the broker does not believe
start_collector impostor c.log
waits_for c.log "trying again"
kill $collector_pid; wait $collector_pid || true
start_collector good d.log
waits_for d.log "connected"
pump_batches 10 > pump.log || fail "the batches at the end"
kill $collector_pid; wait $collector_pid || fail "SIGTERM does not end it with 0"
echo "good: $(stored) events"
