# Sourced by the guests' scripts: how a case is told, and simulated chips.

# pass NAME / fail NAME WHY / skip NAME WHY: one line each for the host's table; seconds since `begin`.
begin() { read -r began _ </proc/uptime; }
took() {
    read -r now _ </proc/uptime
    echo "$began $now" | awk '{ printf "%.1f", $2 - $1 }'
}
pass() { echo "CASE pass $(took) $1"; }
fail() { echo "CASE fail $(took) $1: $2"; }
skip() { echo "CASE skip $(took) $1: $2"; }

# make_chip NAME LABEL LINES [OFFSET=LINE-NAME ...]: a chip of gpio-sim.  Sets sim: its folder.
make_chip() {
    chip=/sys/kernel/config/gpio-sim/$1
    mkdir -p "$chip/bank"
    echo "$3" >"$chip/bank/num_lines"
    echo "$2" >"$chip/bank/label"
    name=$1
    shift 3
    for line in "$@"; do
        mkdir "$chip/bank/line${line%%=*}"
        echo "${line#*=}" >"$chip/bank/line${line%%=*}/name"
    done
    echo 1 >"$chip/live"
    sim=/sys/devices/platform/$(cat "$chip/dev_name")/$(cat "$chip/bank/chip_name")
    echo "$sim" >"/run/$name.sim"
}
drop_chip() {
    chip=/sys/kernel/config/gpio-sim/$1
    echo 0 >"$chip/live"
    for line in "$chip"/bank/line*; do
        [ -d "$line" ] && rmdir "$line"
    done
    rmdir "$chip/bank" "$chip"
}
pull() { echo "pull-$2" >"$sim/sim_gpio$1/pull"; }
value() { cat "$sim/sim_gpio$1/value"; }

# ask WORD ARGUMENTS...: the host's answer, in $answer (machine.py: answer).
ask() {
    echo "ASK $*"
    read -r answer
}

# until_true SECONDS COMMAND...: tries it ten times a second.
until_true() {
    tries=$(($1 * 10))
    shift
    while ! "$@"; do
        tries=$((tries - 1))
        [ $tries -gt 0 ] || return 1
        usleep 100000
    done
}
