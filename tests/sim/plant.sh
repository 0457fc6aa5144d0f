#!/bin/sh
# plant.sh IN BUG.sed OUT: a copy of IN with a bug in it; fails if the bug no longer finds its place.
set -e
sed -f "$2" "$1" > "$3.tmp"
if cmp -s "$1" "$3.tmp"; then
    echo "plant.sh: $2 changes nothing in $1: bring it up to date" >&2
    exit 1
fi
mv "$3.tmp" "$3"
