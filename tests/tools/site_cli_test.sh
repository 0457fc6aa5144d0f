#!/bin/bash
# site_cli_test MOORWATCH: `moorwatch site` as a PCSO with a tape would use it.
set -u
moorwatch=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
bad=0

says() { # says CODE TEXT ARGUMENTS...: exit code and a piece of what is said
    local code=$1 text=$2 got
    shift 2
    got=$("$moorwatch" site "$@" 2>&1 < "$dir/answers")
    local was=$?
    if [ $was -ne "$code" ] || [[ "$got" != *"$text"* ]]; then
        echo "FAIL: site $*: exit $was, said: $got"
        echo "      wanted exit $code and: $text"
        bad=1
    fi
}

: > "$dir/answers"
cat > "$dir/places.ini" <<'END'
[site yarm-1]
name = Yarm, High Street
limit = 30
END
says 1 "no such thing" yarm-1 --db "$dir/none.db"
"$moorwatch" register --db "$dir/c.db" "$dir/places.ini" 2> /dev/null
db=$dir/c.db

says 2 "which site?"
says 2 "--db DB is missing" yarm-1
says 2 "unknown option: --angle" yarm-1 --db "$db" --angle 3
says 2 "--aim wants a number of degrees" yarm-1 --db "$db" --aim ten
says 2 "--from wants a day" yarm-1 --db "$db" --from yesterday
says 2 "--tape wants ALONG,ACROSS" yarm-1 --db "$db" --tape 20
says 2 "not a length or angle of a roadside: aim" yarm-1 --db "$db" --aim 60
says 2 "at least 1 m along" yarm-1 --db "$db" --tape 0,3
says 2 "was another vehicle" yarm-1 --db "$db" --drive 30=35
says 1 "no such site is registered" nowhere --db "$db"
says 0 "--measure asks for it" yarm-1 --db "$db"

# By hand: tan = 3.526 / 20 is 10.0 degrees.
says 0 "the aim is 10.0 degrees" yarm-1 --db "$db" --tape 20,3.526 --from 2026-10-01
says 0 "from 2026-10-01: lanes 4.0 and 7.5 m, height 0.0 m, aim 10.0" yarm-1 --db "$db"
# What is not given stays; a steep aim is told of.
says 0 "lanes 3.0 and 7.5 m, height 0.0 m, aim 35.0" yarm-1 --db "$db" --lane-in 3 --aim 35 \
    --from 2026-11-01
says 0 "turn the radar along the road" yarm-1 --db "$db"
# A drive at 30 that is told as 29: the aim is found, and its factor is 30 / 29.
says 0 "By 2 drives the aim is" yarm-1 --db "$db" --drive 30=29.1 --drive 30=28.9 --from 2026-11-02
says 0 "told 30.0 mph is 31.0 mph" yarm-1 --db "$db"

# The guide: a wrong answer is asked for again, an empty one keeps, the end changes nothing.
printf '%s\n' 5 far 8 1.2 '20;3' 20,1.75 '' '' > "$dir/answers"
says 0 "That is not a length or angle of a roadside" yarm-1 --db "$db" --measure --from 2026-11-03
: > "$dir/answers"
says 0 "from 2026-11-03: lanes 5.0 and 8.0 m, height 1.2 m, aim 5.0" yarm-1 --db "$db"
printf '4\n' > "$dir/answers"
says 1 "nothing was changed" yarm-1 --db "$db" --measure
exit $bad
