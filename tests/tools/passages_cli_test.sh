#!/bin/sh
# moorwatch passages: from logs of every form to vehicles; $1 is the program.
set -eu
moorwatch=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

fail() {
    echo "FAIL: $*" >&2
    exit 1
}

# One car at 30 mph, 12 frames a second, from 60 m to 10 m, lane 4 m away; then one back at 28 mph.
# $1 is how a line is written: t v mag are the time, signed speed in m/s and magnitude.
log() {
    awk -v form="$1" 'function say(t, v, mag) {
        if (form == "plain") printf "%.3f\t%.2f\n", t, v
        if (form == "timed") printf "%.3f\t%.3f,%.2f\n", t, t + 7, v
        if (form == "weighed") printf "%.3f\t%.3f,%d,%.2f\n", t, t + 7, mag, v
        if (form == "units") printf "%.3f\t\"mph\",%d,%.2f\n", t, mag, v / 0.44704
        if (form == "human") printf "%.3f\tThu Jul  2 2020 14:56:39.368 GMT,\"kmph\",%.2f\n", t, v * 3.6
        if (form == "json") printf "%.3f\t{\"speed\":\"%.2f\"}\r\n", t, v
        if (form == "direction") printf "%.3f\t{\"speed\":%.2f, \"direction\":\"%s\"}\n", t, v < 0 ? -v : v, v < 0 ? "outbound" : "inbound"
        if (form == "array") printf "%.3f\t{\"magnitude\":[%.2f, 21], \"speed\":[%.2f, 1.1]}\n", t, mag, v
        if (form == "notice") printf "%.3f\t%.1f\n", t, v / 0.44704
        if (form == "option") printf "%.3f\t%.1f\n", t, v * 3.6
    }
    BEGIN {
        if (form == "notice") printf "0.5\t{\"Units\":\"miles-per-hour\"}\n"
        for (k = 0; k < 2; k++) {
            v = k == 0 ? 13.411 : 12.517
            for (i = 0; ; i++) {
                x = k == 0 ? 60 - v * i / 12 : 10 + v * i / 12
                if (x < 10 || x > 60) break
                r = sqrt(x * x + 16)
                say(5 + 10 * k + i / 12, (k == 0 ? 1 : -1) * v * x / r, 600 * 400 / (r * r))
            }
        }
    }'
}

for form in plain timed weighed units human json direction array notice option; do
    units=""
    [ "$form" = option ] && units="--units km/h"
    # shellcheck disable=SC2086
    log "$form" | "$moorwatch" passages - $units >"$dir/$form.csv" 2>"$dir/$form.err"
    awk -F, -v form="$form" 'NR == 1 { ok = $0 == "t_ms,direction,speed_mph,duration_ms,magnitude_db" }
        NR == 2 { ok = ok && $1 == 5000 && $2 == "in" && $3 >= 29.6 && $3 <= 30.1 && $4 == 3700 }
        NR == 3 { ok = ok && $1 == 15000 && $2 == "out" && $3 >= 27.6 && $3 <= 28.1 }
        END { exit !(ok && NR == 3) }' "$dir/$form.csv" || { cat "$dir/$form.csv" >&2; fail "$form"; }
    grep -q 'not_understood=0 vehicles=2$' "$dir/$form.err" || fail "$form: $(cat "$dir/$form.err")"
done
# with magnitudes the peak is told, without there is none
grep -q ',66$' "$dir/weighed.csv" || fail "no peak: $(cat "$dir/weighed.csv")"
grep -q ',0$' "$dir/plain.csv" || fail "a peak from nowhere"

# rubbish between the lines costs nothing but itself
{
    printf 'no tab here\n4.1\t\377\376\n4.2\t{"speed":[-10.9, 3\n4.3\t{"ALERT": High Speed inbound 1.7 mps}\n'
    printf '4.4\t{"Reset" : "Board was reset."}\n4.5\t\n'
    log weighed
    printf '99\t%01000d' 7
} | "$moorwatch" passages - >"$dir/rubbish.csv" 2>"$dir/rubbish.err"
cmp "$dir/rubbish.csv" "$dir/weighed.csv" || fail rubbish
grep -q 'not_understood=4 vehicles=2$' "$dir/rubbish.err" || fail "rubbish: $(cat "$dir/rubbish.err")"
# ... but a file of another kind does not pass for an empty road
head -c 4000 /dev/urandom | tr '\t' ' ' | "$moorwatch" passages - >"$dir/strange.csv" 2>"$dir/strange.err" &&
    fail "a strange file is taken"
grep -q 'none of its [0-9]* lines was understood' "$dir/strange.err" || fail "strange: $(cat "$dir/strange.err")"

# the sensor's own vehicles, where there is nothing else
printf '2.0\t{"classifier" : "object_outbound", "end_time" : "1750719826.467", "start_time" : "1750719826.031", "delta_time_msec" : 736, "max_speed_mps" : 13.39, "max_magnitude" : 55}\n' |
    "$moorwatch" passages - 2>/dev/null | grep -qx '1260,out,29.9,700,35' || fail object
printf '2.0\t{"unit":"mph","direction":"inbound","DetectedObjectVelocity":31.0}\n2.4\t{"unit":"mph","direction":"inbound","DetectedObjectVelocity":31.5}\n' |
    "$moorwatch" passages - 2>/dev/null | grep -qx '2000,in,31.5,400,0' || fail fastest

# limits and mistakes
log plain | "$moorwatch" passages - --min-speed 29 2>/dev/null | grep -qc ',out,' && fail min-speed
log weighed | "$moorwatch" passages --min-magnitude=9000 - 2>&1 | grep -q 'vehicles=0' || fail min-magnitude
"$moorwatch" passages 2>/dev/null && fail "no log"
"$moorwatch" passages - --units furlongs </dev/null 2>/dev/null && fail units
"$moorwatch" passages "$dir/none" 2>/dev/null && fail "a log that is not there"
"$moorwatch" passages - </dev/null 2>/dev/null | grep -qx 't_ms,direction,speed_mph,duration_ms,magnitude_db' || fail empty
echo "passages: all forms read"
