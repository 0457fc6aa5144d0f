#!/bin/sh
# A scene of known truth in every shape of the sensor, through moorwatch passages: $1 is the folder of
# the programs.  The strongest target's shapes tell the same vehicles, magnitudes or not.
set -eu
bin=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

fail() {
    echo "FAIL: $*" >&2
    exit 1
}

for shape in plain timed weighed units json json-timed array; do
    "$bin/radarbench" --log "free flow" --shape "$shape" --seed 21 --seconds 200 \
        --truth "$dir/truth.csv" >"$dir/$shape.log"
    "$bin/moorwatch" passages "$dir/$shape.log" >"$dir/$shape.csv" 2>"$dir/$shape.err"
    grep -q ' not_understood=0 ' "$dir/$shape.err" || fail "$shape: $(cat "$dir/$shape.err")"
    # each vehicle of the truth is there, the right way round and within 1.5 mph, and nobody else
    awk -F, -v shape="$shape" 'NR == FNR { if (FNR > 1) { n++; from[n] = $1; to[n] = $2; way[n] = $3; mph[n] = $4 } next }
        FNR > 1 { seen++; hit = 0
            for (i = 1; i <= n; i++) {
                off = $3 - mph[i]; if (off < 0) off = -off
                if (!used[i] && way[i] == $2 && off < 1.5 && $1 / 1000 < to[i] + 1 && $1 / 1000 > from[i] - 3) { used[i] = 1; hit = 1; break }
            }
            found += hit }
        END { print shape ": " n " on the road, " found " found, " seen - found " others"
            exit !(n > 20 && found >= n - 1 && seen - found <= 1) }' "$dir/truth.csv" "$dir/$shape.csv" \
        || fail "$shape"
done
"$bin/radarbench" --log nowhere --shape plain >/dev/null 2>&1 && fail "a scene that is none"
"$bin/radarbench" --log fan --shape braille >/dev/null 2>&1 && fail "a shape that is none"
echo "scene_log: all shapes read"
