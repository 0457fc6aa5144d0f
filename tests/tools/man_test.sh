#!/bin/bash
# man_test MOORWATCH: the man page is clean, and describes every command there is.
set -euo pipefail
page=$(dirname "$0")/../../tools/moorwatch/moorwatch.1
mandoc -T lint -W warning "$page"
commands=$("$1" help | awk '/^  [a-z]/ { print $1 }')
[ -n "$commands" ]
for command in $commands; do
    grep -Eq "^\.It Cm $command( |\$)" "$page" ||
        { echo "moorwatch.1 does not describe '$command'"; exit 1; }
done
echo "$(wc -w <<<"$commands") commands described"
