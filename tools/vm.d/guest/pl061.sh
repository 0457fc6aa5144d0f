# The padlock daemon on the PL061 that the stock kernel drives: its pins are moved and its outputs read
# from outside, and an output keeps its level when nobody holds it, as on a Raspberry Pi.  Run by
# gpio.py.
. /lib.sh

start_hub() {
    padlock -c "/mw/$1.conf" >"/tmp/$1.log" 2>&1 </dev/null &
    hub=$!
    sleep 2
}
wire() { ask pin "$1" "$2"; }
# siren LEVEL: within 3 s.
siren() {
    ask siren "$1" 3
    [ "${answer%% *}" = yes ]
}
all() {
    what=$1
    shift
    [ -n "$wrong" ] || "$@" || wrong=$what
}
told() {
    if [ -z "$wrong" ]; then pass "$1"; else fail "$1" "$wrong"; fi
}

wire loop 1
begin
wrong=
start_hub pins
all "it sounds from the start" siren 0
wire loop 0
all "no siren" siren 1
echo "REACTION $answer"
all "it has died" kill -0 $hub
told "a wire cut from outside, siren, on the stock kernel"

begin
wrong=
kill -KILL $hub
wait $hub 2>/dev/null
all "the pin fell by itself, this proves nothing" siren 1
all "--outputs-off failed" padlock -c /mw/pins.conf --outputs-off
all "the siren sounds" siren 0
told "killed with the siren on, kept by the pin, --outputs-off"

begin
wrong=
start_hub pins
all "a hub on a cut loop is silent" siren 1
kill -TERM $hub
all "stopped, and the siren sounds" siren 0
wait $hub
all "it sounds again" siren 0
told "stopped, and the pin stays safe"

begin
wrong=
start_hub taken
all "nobody is named" until_true 3 grep -q 'line 3 of .*: held by ' /tmp/taken.log
all "it has died" kill -0 $hub
kill -TERM $hub
wait $hub
told "a line that the kernel holds"
cat /tmp/*.log
