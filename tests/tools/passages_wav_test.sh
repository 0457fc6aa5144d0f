#!/bin/sh
# moorwatch passages on recordings of a low-cost radar; $1 is the program, $2 the simulator.
set -eu
moorwatch=$1
kitsim=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

fail() {
    echo "FAIL: $*" >&2
    exit 1
}

# Every vehicle of the truth ($1) has one line in the passages ($2) that began while it was in the
# beam, the same way round ($3: or the other), within 2 mph; and there are not more lines than that.
compare() {
    awk -F, -v other="$3" 'BEGIN { n = 0 } FNR == 1 { next }
        NR == FNR { from[n] = $1; to[n] = $2; way[n] = $3; mph[n++] = $4; next }
        { lines++
          for (i = 0; i < n; i++) {
              same = ($2 == way[i]) != (other == "other")
              off = $3 - mph[i]
              if (!hit[i] && same && $1 >= from[i] - 400 && $1 <= to[i] && off < 2 && off > -2) { hit[i] = 1; found++; break }
          } }
        END { if (found != n || (lines != n && other == "same")) { print found, "found of", n, "in", lines, "lines"; exit 1 } }' \
        "$1" "$2" || { cat "$1" "$2" >&2; fail "$4"; }
}

"$kitsim" iq --out "$dir/a.wav" --truth "$dir/truth.csv" --seconds 40 --seed 3 >/dev/null
"$moorwatch" passages "$dir/a.wav" >"$dir/a.csv" 2>"$dir/a.err"
head -1 "$dir/a.csv" | grep -qx 't_ms,direction,speed_mph,duration_ms,magnitude_db' || fail header
compare "$dir/truth.csv" "$dir/a.csv" same "free flow"
grep -q 'seconds=40.0 rate=48000 .*level=good' "$dir/a.err" || fail "report: $(cat "$dir/a.err")"

# channels exchanged: everybody drives the other way, until it is said (and grows where a leaving
# vehicle fades, which may be taken for two)
"$kitsim" iq --out "$dir/b.wav" --seconds 40 --seed 3 --swapped >/dev/null
"$moorwatch" passages "$dir/b.wav" >"$dir/b.csv" 2>/dev/null
compare "$dir/truth.csv" "$dir/b.csv" other exchanged
"$moorwatch" passages --swap "$dir/b.wav" >"$dir/b.csv" 2>/dev/null
compare "$dir/truth.csv" "$dir/b.csv" same "--swap"

# another rate is computed with as it is
"$kitsim" iq --out "$dir/c.wav" --seconds 40 --seed 3 --rate 44100 >/dev/null
"$moorwatch" passages "$dir/c.wav" >"$dir/c.csv" 2>/dev/null
compare "$dir/truth.csv" "$dir/c.csv" same "44.1 kHz"

# cut short: what is there is read, and told
head -c 5000000 "$dir/a.wav" >"$dir/cut.wav"
"$moorwatch" passages "$dir/cut.wav" >"$dir/cut.csv" 2>"$dir/cut.err" || fail "cut short"
grep -q 'cut short' "$dir/cut.err" || fail "says nothing of the cut"
[ "$(wc -l <"$dir/cut.csv")" -ge 3 ] || fail "nothing read of what was cut"

# a mono input told twice, and a gain that is too high
"$kitsim" iq --out "$dir/d.wav" --seconds 20 --mono >/dev/null
"$moorwatch" passages "$dir/d.wav" 2>&1 >/dev/null | grep -q 'level=mono.*stereo' || fail "mono level"
"$kitsim" iq --out "$dir/e.wav" --seconds 20 --level 20 >/dev/null
"$moorwatch" passages "$dir/e.wav" 2>&1 >/dev/null | grep -q 'level=clips.*gain' || fail clips

# refused, with what to do: one channel, cut within its header, not there
python3 - "$dir/mono.wav" <<'PYTHON'
import sys
import wave
with wave.open(sys.argv[1], "wb") as w:
    w.setnchannels(1)
    w.setsampwidth(2)
    w.setframerate(48000)
    w.writeframes(bytes(9600))
PYTHON
"$moorwatch" passages "$dir/mono.wav" 2>"$dir/mono.err" && fail "a recording of one channel"
grep -q 'no direction: record I and Q as the two channels of a stereo line input' "$dir/mono.err" ||
    fail "mono: $(cat "$dir/mono.err")"
head -c 20 "$dir/a.wav" >"$dir/head.wav"
"$moorwatch" passages "$dir/head.wav" 2>&1 | grep -q 'no recording that can be read' || fail head
"$moorwatch" passages --carrier 0 "$dir/a.wav" 2>/dev/null && fail "a carrier of nothing"
"$kitsim" iq --scene none --out "$dir/x.wav" 2>/dev/null && fail "no such scene"
echo "passages: recordings read"
