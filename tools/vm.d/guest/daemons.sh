# The daemons on simulated chips, with a broker and a collector on the host.  Run by gpio.py, which
# writes /mw/chip.sh (the chip at rest) and /mw/wires.sh (where each role is: shackle_1=5).
. /lib.sh
. /mw/wires.sh
starts=0

# start_hub CONFIGURATION [no-wait]: sets hub (its pid) and log.
start_hub() {
    starts=$((starts + 1))
    log=/tmp/hub.$starts.log
    padlock -c "/mw/$1" >"$log" 2>&1 </dev/null &
    hub=$!
    [ $# -gt 1 ] || until_true 30 grep -q 'connected to' "$log" || echo "not connected: $log"
}
stop_hub() {
    kill -TERM "$hub"
    wait "$hub"
}
alive() { kill -0 "$hub" 2>/dev/null; }
siren_on() { [ "$(value "$siren")" = 1 ]; }
siren_off() { [ "$(value "$siren")" = 0 ]; }
said() { grep -q "$1" "$log"; }
# check NAME WHAT-IF-NOT COMMAND...
check() {
    name=$1 why=$2
    shift 2
    if "$@"; then pass "$name"; else fail "$name" "$why"; fi
}
# all WHAT COMMAND...: remembers the first thing that is not so, in $wrong.
all() {
    what=$1
    shift
    [ -n "$wrong" ] || "$@" || wrong=$what
}
told() {
    if [ -z "$wrong" ]; then pass "$1"; else fail "$1" "$wrong"; fi
}
answered() {
    ask "$@"
    [ "${answer%% *}" = yes ]
}

. /mw/chip.sh
start_hub padlock.conf

begin
i=0
while [ $i -lt 30 ]; do
    pull "$tilt_1" down # 200 ms of it would be a tilt
    pull "$tilt_1" up
    usleep 1000
    i=$((i + 1))
done
sleep 1
wrong=
all "the siren sounds" siren_off
all "the collector heard: $answer" answered lock hub-1 tamper 0 1
told "30 bounces of a tilt switch ring nobody"

begin
pull "$loop_1" up
wrong=
all "no siren within 3 s" until_true 3 siren_on
all "the collector did not hear" answered lock hub-1 tamper 1 20
told "a cut wire, siren, and the collector hears"

begin
wrong=
all "it still sounds" until_true $((burst + 4)) siren_off
all "the hub has died" alive
told "the siren stops by itself"
pull "$loop_1" down

begin
kill -STOP "$hub"
i=0
while [ $i -lt 201 ]; do # ends cut
    if [ $((i % 2)) = 0 ]; then pull "$loop_2" up; else pull "$loop_2" down; fi
    i=$((i + 1))
done
kill -CONT "$hub"
wrong=
all "the level was not looked at: no siren" until_true 5 siren_on
if [ "$gpiod" = 1 ]; then
    all "the overflow was not told" until_true 2 said 'edges were lost'
else
    sleep 1
    if said 'edges were lost'; then all "edges were lost, of 512 that are kept" false; fi
fi
told "200 edges while the daemon stood still"

begin
wrong=
all "no siren to begin with" siren_on
kill -KILL "$hub"
wait "$hub" 2>/dev/null
all "--outputs-off failed" padlock -c /mw/padlock.conf --outputs-off
all "the siren sounds" siren_off
told "killed with the siren on, --outputs-off"
pull "$loop_2" down

begin
start_hub padlock.conf
first=$hub first_log=$log
start_hub second.conf
wrong=
all "nobody is named" until_true 5 said 'held by padlock'
all "the second has died" alive
all "the collector did not hear of it" answered fault hub-2 gpio 1 20
stop_hub
hub=$first log=$first_log
all "the first has died" alive
pull "$loop_3" up
all "the first does not guard any more" until_true 3 siren_on
told "two daemons want one line"
pull "$loop_3" down
stop_hub
check "stopped, the outputs are safe" "the siren sounds" siren_off

begin
start_hub short.conf
pull "$loop_4" up
wrong=
all "no siren" until_true 3 siren_on
all "on for longer than max_on (2 s)" until_true 4 siren_off
all "nothing is said" said "the kit's max_on"
all "the collector did not hear of it" answered fault hub-1 gpio 1 20
told "a siren that must stop, max_on"
pull "$loop_4" down
stop_hub

begin
drop_chip board
make_chip board "$label" 40
start_hub padlock.conf
wrong=
all "nothing is said" until_true 5 said 'has 40 lines, the board file wants at least'
all "it has died" alive
stop_hub
told "a chip with fewer lines"
drop_chip board

begin
. /mw/chip.sh
pull "$key" down
start_hub padlock.conf
sleep 1
ask mark
i=0
while [ $i -lt 50 ]; do # 200 edges, each lock's 160 ms apart or more
    for line in $shackle_1 $shackle_2 $shackle_3 $shackle_4; do
        if [ $((i % 2)) = 0 ]; then pull "$line" up; else pull "$line" down; fi
        usleep 40000
    done
    i=$((i + 1))
done
wrong=
if ! answered journey hub-1 200 30; then wrong="acknowledged and stored: ${answer#no }"; fi
told "200 edges, each an acknowledged event"
hub_sim=$sim

begin
make_chip kit "$kit_label" "$kit_lines"
speedwatch -c /mw/speedwatch.conf >/tmp/kit.log 2>&1 </dev/null &
kit=$!
until_true 30 grep -q 'connected to' /tmp/kit.log
lamp_lit() { [ "$(value "$kit_lamp")" = 1 ]; }
wrong= i=0
while [ $i -lt 40 ]; do
    pull "$kit_button" down
    usleep 120000
    pull "$kit_button" up
    if [ $i = 0 ]; then all "no lamp says that there is no radar" until_true 2 lamp_lit; fi
    usleep 120000
    i=$((i + 1))
done
if ! answered sessions kit-1 20 30; then all "acknowledged and stored: ${answer#no }" false; fi
told "40 presses, 20 sessions, acknowledged"
kill -TERM $kit
wait $kit

begin
set -- $(free -k | grep Mem:)
wrong=
all "only $7 KiB are left" [ "$7" -gt 4096 ]
for pid in $hub; do
    rss=$(sed -n 's/VmRSS:[^0-9]*\([0-9]*\).*/\1/p' /proc/$pid/status)
    all "the daemon takes $rss KiB" [ "$rss" -lt 16384 ]
done
echo "MEMORY of $2 KiB, $7 KiB left, the hub takes $rss KiB"
sim=$hub_sim
stop_hub
told "memory: $memory MB, hub $((rss / 1024)) MB, $(($7 / 1024)) MB left"
for log in /tmp/*.log; do
    echo "== $log"
    cat "$log"
done
