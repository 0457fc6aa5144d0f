#!/bin/sh
# `moorwatch speeds` as a script meets it: figures, odd spellings of CSV, and every complaint.
# usage: speeds_cli_test.sh PATH/TO/moorwatch
set -u
moorwatch=$1
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
failed=0

fail() {
    echo "FAIL: $*"
    failed=1
}

# The vector of twenty: 21 to 40 mph; type 7 gives 37.15, ranks 14 and (none).
{ echo speed_mph; seq 40 -1 21; } > "$dir/twenty.csv"
cat > "$dir/want" <<'END'
{
  "n": 20,
  "mean": 30.5,
  "p50": 30.5,
  "p85": 37.15,
  "p85_low": 34,
  "p85_high": null,
  "max": 40,
  "over_limit": {"count": 10, "share": 0.5, "low": 0.299298008198, "high": 0.700701991802},
  "at_or_over_threshold": {"count": 6, "share": 0.3, "low": 0.145477244868, "high": 0.518972818354},
  "limit_mph": 30,
  "threshold_mph": 35
}
END
"$moorwatch" speeds "$dir/twenty.csv" --limit 30 > "$dir/got" 2> "$dir/err" || fail "twenty: exit $?"
diff "$dir/want" "$dir/got" || fail "twenty"
grep -q 'too few' "$dir/err" || fail "twenty: no word on too few vehicles"

# The same through a byte order mark, CRLF, quotes, other columns, blank lines, either column name.
{ printf '\357\273\277"id","Speed","note"\r\n'; seq 21 40 | sed 's/.*/"&","&.0","a, ""b"""\r/'; printf '\r\n'; } > "$dir/odd.csv"
"$moorwatch" speeds --limit=30 "$dir/odd.csv" 2> /dev/null | diff "$dir/want" - || fail "odd spelling"
"$moorwatch" speeds --limit 30 - < "$dir/odd.csv" 2> /dev/null | diff "$dir/want" - || fail "stdin"

# complains WANT_CODE WORDS TEXT: the input TEXT is refused with those words and no output.
complains() {
    printf "$3" > "$dir/bad.csv"
    "$moorwatch" speeds "$dir/bad.csv" --limit 30 > "$dir/got" 2> "$dir/err"
    code=$?
    [ "$code" = "$1" ] || fail "'$3': exit $code"
    grep -q "$2" "$dir/err" || fail "'$3': said $(cat "$dir/err")"
    [ ! -s "$dir/got" ] || fail "'$3': printed figures"
}
complains 1 'bad.csv:3: a speed must be' 'speed\n30\n-3\n'
complains 1 'bad.csv:2: a speed must be' 'speed\n300\n'
complains 1 'bad.csv:2: not a speed.*nan' 'speed\nnan\n'
complains 1 'bad.csv:2: not a speed.*inf' 'speed\ninf\n'
complains 1 'bad.csv:2: not a speed.*0x1e' 'speed\n0x1e\n'
complains 1 'bad.csv:2: not a speed.*(empty)' 'speed,b\n,1\n'
complains 1 'bad.csv:2: not a speed.*30 mph' 'speed\n30 mph\n'
complains 1 'bad.csv:3: this line has no speed' 'a,speed\n1,30\n1\n'
complains 1 'bad.csv:3: not a line of CSV' 'speed\n30\n"31\n'
complains 1 'bad.csv:1: no column' 'velocity\n30\n'
complains 1 'empty' ''
complains 1 'no speeds below' 'speed\n'
printf 'speed\n30\n3\0001\n' > "$dir/zero.csv"
"$moorwatch" speeds "$dir/zero.csv" --limit 30 > /dev/null 2>&1 && fail "a zero byte passed"

# usage WORDS ARGUMENTS...: a wrong call ends with 2.
usage() {
    words=$1
    shift
    "$moorwatch" speeds "$@" > /dev/null 2> "$dir/err"
    code=$?
    [ "$code" = 2 ] || fail "speeds $*: exit $code"
    grep -q "$words" "$dir/err" || fail "speeds $*: said $(cat "$dir/err")"
}
usage 'limit MPH is missing' "$dir/twenty.csv"
usage 'which file' --limit 30
usage 'whole miles' "$dir/twenty.csv" --limit 30.5
usage 'whole miles' "$dir/twenty.csv" --limit 4
usage 'unknown' "$dir/twenty.csv" --limt 30
usage 'one file' "$dir/twenty.csv" "$dir/odd.csv" --limit 30
"$moorwatch" speeds "$dir/none.csv" --limit 30 2> /dev/null
[ $? = 1 ] || fail "a missing file"

exit $failed
