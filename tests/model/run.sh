#!/bin/bash
# run.sh: the delivery protocol's model, verified by Spin over every state it can reach, and each
# mistake planted in it, which must be found.  --trail PLANT: the steps that lead to one of them.
set -eu
model=$(cd "$(dirname "$0")" && pwd)/delivery.pml
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

verify() { # verify safety|liveness [DEFINE...]: pan's own words
    local what=$1 flags=(-DSAFETY -DNOCLAIM) run=(-m1000000)
    shift
    [ "$what" = safety ] || {
        flags=(-DNFAIR=3) run=(-a -f -m1000000)
        set -- LIVENESS "$@"
    }
    spin -a "${@/#/-D}" "$model" > /dev/null
    cc -O1 -w "${flags[@]}" -o pan pan.c
    ./pan "${run[@]}" 2>&1
}

if [ "${1:-}" = --trail ]; then
    verify safety "${2:?which mistake? they stand at the top of delivery.pml}" > /dev/null
    spin -t "-D$2" -p -g "$model"
    exit 0
fi

bad=0
holds() {
    local out
    out=$(verify "$@")
    if [[ "$out" == *"errors: 0"* && "$out" != *"max search depth too small"* ]]; then
        echo "ok: $* holds in all $(grep -oE '[0-9]+ states, stored' <<< "$out" | head -1)"
    else
        echo "FAIL: $*"; echo "$out"; bad=1
    fi
}
breaks() {
    local out
    out=$(verify "$@") || true
    if [[ "$out" == *"assertion violated"* || "$out" == *"acceptance cycle"* ]]; then
        echo "ok: $2 is found"
    else
        echo "FAIL: $2 is not found"; bad=1
    fi
}

holds safety
holds liveness EVENTS=2
for plant in SEND_BEFORE_DURABLE FREE_ON_PUBACK REUSE_NUMBER ACK_BEFORE_COMMIT SAME_SPOOL; do
    breaks safety $plant
done
breaks liveness SEND_ONCE EVENTS=2
exit $bad
