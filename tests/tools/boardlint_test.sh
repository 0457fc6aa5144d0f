#!/bin/bash
# boardlint BOARDLINT BOARDS: the files as they stand fit; files that do not are found, each with
# its reason; the fragments under boards/boot are what the board files say; the dumps have the form
# that tools/boardlint.d/dump.h promises.
set -u
boardlint=$1 boards=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0

fail() {
    echo "FAILED: $*" >&2
    failed=1
}

# What must be said, and the exit code, for a copy of the files changed by `sed EXPRESSION FILE`.
broken() {
    local file=$1 expression=$2 want=$3
    rm -rf "$dir/boards"
    cp -r "$boards" "$dir/boards"
    sed -i "$expression" "$dir/boards/$file"
    cmp -s "$boards/$file" "$dir/boards/$file" && fail "$expression changes nothing in $file"
    "$boardlint" --dir "$dir/boards" >"$dir/out" 2>&1 && fail "$file: $expression: nothing found"
    grep -qF -- "$want" "$dir/out" || fail "$file: $expression: not said: $want
$(grep -v fits "$dir/out" | head -5)"
}

"$boardlint" --dir "$boards" >"$dir/out" 2>&1 || fail "the files as they stand: $(cat "$dir/out")"
grep -qE '^[0-9]+ boards, [0-9]+ kits, 0 errors$' "$dir/out" || fail "no sum: $(tail -1 "$dir/out")"

broken raspberrypi-5.ini 's/^label = .*//' 'raspberrypi-5.ini: [chip main] label: missing: as gpioinfo prints it'
broken raspberrypi-5.ini 's/^compatible = .*/compatible = raspberrypi,4-model-b/' 'is already that of raspberrypi-4-b'
broken raspberrypi-5.ini 's/^compatible = .*//' 'raspberrypi-5: compatible: missing'
broken raspberrypi-5.ini 's/^id = .*/id = other/' 'does not fit the file'"'"'s name: rename one of them'
broken raspberrypi-5.ini 's/^29 = .*//' 'session-button: board raspberrypi-5 has no GPIO on pin 29 of J8'
broken raspberrypi-5.ini 's/^type = .*/type = rpi-26/' 'board raspberrypi-5: no kit has one of its connectors'
broken raspberrypi-5.ini 's/^max_s = .*//' 'raspberrypi-5: [watchdog] max_s: missing'
broken kits/speedwatch-usb.ini 's/^pin = 31/pin = 29/' 'check-button: pin 29 is already session-button: give it another'
broken kits/speedwatch-usb.ini 's/^pin = 31/pin = 8/' 'check-button: pin 8 is a bus in the boot fragment of board'
broken kits/speedwatch-uart.ini 's/^pin = 31/pin = 8/' "check-button: pin 8 belongs to the radar's UART: use another"
broken kits/speedwatch-usb.ini 's/^connector = .*/connector = rpi-26/' 'kit speedwatch-usb: no board has a connector rpi-26'
broken kits/padlock-hub.ini 's/^max_on = .*//' 'siren: max_on: missing'

for board in "$boards"/*.ini; do
    id=$(basename "$board" .ini)
    [ "$id" = host ] && continue
    "$boardlint" --dir "$boards" --boot "$id" | cmp -s - "$boards/boot/$id.txt" ||
        fail "boot/$id.txt is not what $id.ini says: tools/boardlint --boot $id >boards/boot/$id.txt"
done

"$boardlint" --dir "$boards" --chips raspberrypi-4-b >"$dir/out" || fail "--chips"
grep -qxP 'chip\tpinctrl-bcm2711\t58' "$dir/out" || fail "--chips: $(head -1 "$dir/out")"
grep -qxP 'line\tpinctrl-bcm2711\t17\tGPIO17' "$dir/out" || fail "--chips: no line 17"
"$boardlint" --dir "$boards" --lines raspberrypi-4-b padlock-hub >"$dir/out" || fail "--lines"
grep -qxP 'line\tsiren\tout\tpinctrl-bcm2711\t24\t18\thigh\tas-is\t20000\toff\t900000' "$dir/out" ||
    fail "--lines: $(grep siren "$dir/out")"
"$boardlint" --dir "$boards" --pairs | grep -qxP 'pair\traspberrypi-4-b\tpadlock-hub' || fail "--pairs"
"$boardlint" --dir "$boards" --chips nothing 2>"$dir/out" && fail "a board that is not there"
grep -q 'no board nothing; there are: .*raspberrypi-5' "$dir/out" || fail "which boards there are"
"$boardlint" --help | grep -q '^usage: tools/boardlint' || fail "--help"
exit $failed
