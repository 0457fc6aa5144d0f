#!/bin/sh
# `moorwatch encode` and `decode` as a script meets them: the round trip, keys, every complaint.
# usage: codec_cli_test.sh PATH/TO/moorwatch
set -u
moorwatch=$1
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
failed=0
head=t_ms,direction,speed_mph,duration_ms,magnitude_db

fail() {
    echo "FAIL: $*"
    failed=1
}

# complains CODE WORDS COMMAND...: the command reads $dir/in, exits with CODE and says WORDS.
complains() {
    code=$1 words=$2
    shift 2
    "$moorwatch" "$@" < "$dir/in" > "$dir/out" 2> "$dir/err"
    got=$?
    [ $got = "$code" ] || fail "$*: exit $got instead of $code"
    grep -qF -- "$words" "$dir/err" || fail "$*: '$(cat "$dir/err")' does not say '$words'"
}

# refuses LINE WORDS: a second line that encode must refuse.
refuses() {
    printf '%s\n%s\n' $head "$1" > "$dir/in"
    complains 1 "line 2: $2" encode
}

# A passage every 18 s on average, by a small generator of awk's own; extremes and disorder too.
awk -v head=$head 'BEGIN { srand(7); print head; t = 3600000
    for (i = 0; i < 2003; i++) {
        t += 10 * int(-1800 * log(1 - rand()))
        printf "%d,%s,%.1f,%d,%d\n", t, rand() < 0.5 ? "in" : "out", 20 + 25 * rand(),
               100 * int(10 + 40 * rand()), 30 + int(20 * rand()) }
    print "0,in,0.0,0,-300"; print "1767225600000,out,6553.5,86400000,300" }' > "$dir/p.csv"
for n in 1 2 60 250 768; do
    "$moorwatch" encode --batch $n < "$dir/p.csv" > "$dir/b.mwb" 2> "$dir/err" || fail "batch $n"
    "$moorwatch" decode < "$dir/b.mwb" 2> /dev/null | cmp -s - "$dir/p.csv" || fail "round trip $n"
    # the figures, from the file itself
    want="events=2005 batches=$(((2005 + n - 1) / n)) bytes=$(($(wc -c < "$dir/b.mwb") - \
4 * ((2005 + n - 1) / n))) "
    case $(cat "$dir/err") in
    "$want"bytes_per_event=*.[0-9][0-9]) ;;
    *) fail "batch $n says '$(cat "$dir/err")', wanted '$want...'" ;;
    esac
done
[ "$(sed 1q "$dir/p.csv" | "$moorwatch" encode 2>&1)" = \
    "events=0 batches=0 bytes=0 bytes_per_event=0.00" ] || fail "a header alone"
[ "$(: | "$moorwatch" decode 2> /dev/null)" = $head ] || fail "decode of nothing"

# Windows' line ends, blank lines, an order of columns of its own, zeros behind the last place.
printf '%s\r\n%s\r\n\r\n' magnitude_db,t_ms,direction,duration_ms,speed_mph 41.0,10,out,100,30.10 |
    "$moorwatch" encode 2> /dev/null | "$moorwatch" decode 2> /dev/null > "$dir/out"
printf '%s\n10,out,30.1,100,41\n' $head | cmp -s - "$dir/out" || fail "spelling of CSV"

# Keys.
openssl ecparam -name prime256v1 -genkey -noout -out "$dir/key.pem" 2> /dev/null
openssl ec -in "$dir/key.pem" -pubout -out "$dir/pub.pem" 2> /dev/null
openssl ecparam -name prime256v1 -genkey -noout 2> /dev/null |
    openssl ec -pubout -out "$dir/other.pem" 2> /dev/null
openssl ecparam -name secp384r1 -genkey -noout -out "$dir/p384.pem" 2> /dev/null
"$moorwatch" encode --batch 500 --key "$dir/key.pem" --device kit-1 < "$dir/p.csv" \
    > "$dir/in" 2> /dev/null
complains 0 "batches=5 verified=5 unverified=0" decode --key "$dir/pub.pem"
complains 0 "verified=0 unverified=5" decode
complains 1 "the signature does not hold" decode --key "$dir/other.pem"
complains 1 "$dir/none.pem: " decode --key "$dir/none.pem"
complains 1 "P-256" encode --key "$dir/p384.pem"
complains 1 "P-256" encode --key "$dir/pub.pem"

# The chain: two files in a row are two spools, no break; a last byte of the first signature changed
# leaves a first batch that the second does not name.
cp "$dir/in" "$dir/whole"
size=$(od -An -tu4 -N4 "$dir/whole" | tr -d ' ')
cat "$dir/whole" "$dir/b.mwb" > "$dir/in"
complains 0 "batches=8 verified=0 unverified=8" decode
{ head -c $((size + 3)) "$dir/whole"; printf '\252'; tail -c +$((size + 5)) "$dir/whole"; } > "$dir/in"
cmp -s "$dir/in" "$dir/whole" || complains 1 "chain_breaks=1" decode

# Damage: what stood before is kept, the place is named.
head -c $((size + 4 + 100)) "$dir/whole" > "$dir/in"
complains 1 "batch 2 at offset $((size + 4)): the file ends within it" decode
[ "$(wc -l < "$dir/out")" = 501 ] || fail "what stood before the damage is lost"
head -c $((size + 6)) "$dir/whole" > "$dir/in"
complains 1 "the file ends within it" decode
cp "$dir/p.csv" "$dir/in"
complains 1 "not a .mwb file" decode
{ head -c 200 "$dir/whole"; printf '\377\377\377\377'; tail -c +205 "$dir/whole"; } > "$dir/in"
complains 1 "batch 1 at offset 0" decode --key "$dir/pub.pem"

# Lines that are not on the grid, or no passages at all.
refuses 5,in,30.0,100,40 "t_ms must be 0 to 8796093022200, in steps of 10, not '5'"
refuses -10,in,30.0,100,40 "t_ms"
refuses 99999999999999999999,in,30.0,100,40 "t_ms"
refuses 10,up,30.0,100,40 "direction must be in or out, not 'up'"
refuses 10,in,30.05,100,40 "speed_mph"
refuses 10,in,7000.0,100,40 "speed_mph"
refuses 10,in,,100,40 "speed_mph"
refuses 10,in,nan,100,40 "speed_mph"
refuses 10,in,30.0,150,40 "duration_ms"
refuses 10,in,30.0,100,40.5 "magnitude_db"
refuses 10,in,30.0,100 "4 cells where the header has 5"
echo 'time,speed' > "$dir/in"
complains 1 "line 1: the first line must name the columns" encode
: > "$dir/in"
complains 1 "line 1" encode
complains 2 "--batch must be 1 to 768" encode --batch 769
complains 2 "--batch must be" encode --batch 0
complains 2 "--device" encode --device Kit
complains 2 "standard input" encode passages.csv
complains 2 "standard input" decode b.mwb

exit $failed
