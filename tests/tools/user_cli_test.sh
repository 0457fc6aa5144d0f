#!/bin/sh
# moorwatch user: adds, lists, changes, removes; says what is wrong; never prints a given password.
# user_cli_test.sh MOORWATCH
set -eu
moorwatch=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
db=$dir/store.db

fail() {
    echo "user_cli_test: $*" >&2
    exit 1
}
# refused CODE WORDS ARGUMENTS...
refused() {
    code=$1 words=$2
    shift 2
    got=0
    "$moorwatch" user "$@" </dev/null >"$dir/out" 2>"$dir/err" || got=$?
    [ "$got" = "$code" ] || fail "$*: exit $got, not $code"
    [ ! -s "$dir/out" ] || fail "$*: printed something though it failed"
    grep -q "$words" "$dir/err" || fail "$*: does not say '$words' but: $(cat "$dir/err")"
}

password=$("$moorwatch" user add anna --role administrator --db "$db" 2>/dev/null)
echo "$password" | grep -Eqx '([a-z0-9]{5}-){3}[a-z0-9]{5}' || fail "no password was made: $password"
[ "$("$moorwatch" user list --db "$db" | tr -s ' ')" = "anna administrator" ] || fail "list"
grep -q "$password" "$db"* && fail "the password is in the data base"

out=$(echo 'four wet cows mooing' | "$moorwatch" user passwd anna --db "$db" --password-stdin 2>&1)
case $out in *cows*) fail "a given password was printed" ;; esac

refused 1 "already" add anna --role viewer --db "$db"
refused 1 "no such user" passwd bert --db "$db"
refused 1 "no such data base" list --db "$dir/none.db"
refused 2 "role is" add bert --role king --db "$db"
refused 2 "role ROLE" add bert --db "$db"
refused 2 "small letters" add "Bert'; --" --role viewer --db "$db"
refused 2 "which name" add --role viewer --db "$db"
refused 2 "db DB" list
refused 2 "say add" frobnicate --db "$db"
refused 2 "no password" add bert --role viewer --db "$db" --password-stdin
refused 2 "unknown option" list --frob x --db "$db"

echo short | "$moorwatch" user add bert --role viewer --db "$db" --password-stdin 2>"$dir/err" && fail "short"
grep -q "12 characters" "$dir/err" || fail "does not say how long"

"$moorwatch" user role anna --role pcso --db "$db" 2>/dev/null
"$moorwatch" user list --db "$db" | grep -q pcso || fail "role"
"$moorwatch" user remove anna --db "$db" 2>/dev/null
[ -z "$("$moorwatch" user list --db "$db")" ] || fail "remove"
echo "user_cli_test: passed"
