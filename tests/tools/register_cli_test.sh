#!/bin/bash
# register_cli_test MOORWATCH: register and import, what is good and every way to be wrong.
set -euo pipefail
moorwatch=$1
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d /tmp/moorwatch-register-XXXXXX)
trap 'rm -r "$dir"' EXIT
cd "$dir"

fail() { echo "FAILED: $*"; exit 1; }
# expect STATUS TEXT COMMAND...: it ends with STATUS and says TEXT on standard error.
expect() {
    local status=$1 text=$2 got=0
    shift 2
    "$@" >out 2>err || got=$?
    [ "$got" = "$status" ] || { cat out err; fail "$* ended with $got, not $status"; }
    grep -qF -- "$text" err || { cat err; fail "$* does not say '$text'"; }
}

openssl ecparam -name prime256v1 -genkey -noout -out kit.key 2>/dev/null
openssl pkey -in kit.key -pubout -out kit.pub
openssl req -x509 -new -key kit.key -subj /CN=kit-1 -days 2 -out kit.pem 2>/dev/null
openssl genrsa -out rsa.key 2048 2>/dev/null
openssl pkey -in rsa.key -pubout -out rsa.pub

cat > good.ini <<INI
; a comment
[site yarm-1]
name = High Street, Yarm
limit = 30
approved_until = 2027-03-31
[device kit-1]
kind = speedwatch
key = kit.pem
period = 5 min
[device hub-1]
kind = padlock
key = kit.pub
[lock hub-1 0]
plot = Plot 12
easting = 441800
northing = 512900
INI
expect 0 "1 sites, 2 devices, 1 locks" "$moorwatch" register --db db good.ini
expect 0 "1 sites, 2 devices, 1 locks" "$moorwatch" register good.ini --db db

wrong() { # LINE-AND-TEXT, the file on standard input: nothing of it is entered
    cat > bad.ini
    expect 1 "$1" "$moorwatch" register --db db bad.ini
    grep -q "nothing was registered" err || fail "not said that nothing was registered"
}
wrong "bad.ini:2: limit" <<<$'[site s]\nlimit = 300\nname = x'
wrong "bad.ini:3: colour" <<<$'[site s]\nname = x\ncolour = red\nlimit = 30'
wrong "site s" <<<$'[site s]\nlimit = 30'
wrong "bad.ini:2: approved_until" <<<$'[site s]\napproved_until = soon\nlimit = 30\nname = x'
wrong "bad.ini:2: device Kit_1: a device's name" <<<$'[device Kit_1]\nkind = padlock\nkey = kit.pem'
wrong "bad.ini:2: key: gone.pem: no such thing" <<<$'[device k]\nkey = gone.pem\nkind = padlock'
wrong "bad.ini:2: key: rsa.pub: key or signature does not fit" <<<$'[device k]\nkey = rsa.pub\nkind = padlock'
wrong "bad.ini:2: kind" <<<$'[device k]\nkind = radar\nkey = kit.pem'
wrong "there is no device 'hub-9'" <<<$'[lock hub-9 1]\nplot = x'
wrong "a section is [site ID]" <<<$'[lock hub-1 8]\nplot = x'
wrong "a section is [site ID]" <<<$'[padlock x]\nplot = x'
# One wrong line: the good ones before it are not entered either.
wrong "bad.ini:5" <<<$'[device kit-7]\nkind = padlock\nkey = kit.pem\n[lock kit-7 0]\nplots = x'
expect 1 "there is no device 'kit-7'" "$moorwatch" register --db db <(printf '[lock kit-7 0]\nplot = x\n')
expect 1 "absent.ini: cannot be opened" "$moorwatch" register --db db absent.ini
expect 2 "usage" "$moorwatch" register good.ini
expect 2 "not understood" "$moorwatch" register --db db --what good.ini

printf 'easting,northing,month\n434021.905,575755.756,1\n414848.016,567783.471,11\n' > m.csv
expect 1 "m.csv:2: a month without its year" "$moorwatch" import reports --db db m.csv
expect 0 "2 reports from police, 0 known" "$moorwatch" import reports --db db --year 2022 m.csv
expect 0 "0 reports from police, 2 known" "$moorwatch" import reports --db db --year 2022 m.csv
printf 'id,lon,lat,date,kind\na,-1.3,54.5,2026-03-02,off-road\nb,-1.3,54.5,2026-03,x\nc,-1.3,54.5,2026-03-02T11:05,x\n' > l.csv
expect 0 "3 reports from public" "$moorwatch" import reports --db db --source public l.csv
bad_csv() {
    printf "$2" > bad.csv
    expect 1 "$1" "$moorwatch" import reports --db db bad.csv
    grep -q "nothing was imported" err || fail "not said that nothing was imported"
}
bad_csv "bad.csv:1: no columns for the place" 'a,b,date\n1,2,2026-01-01\n'
bad_csv "bad.csv:1: no column for the time" 'x,y\n1,2\n'
bad_csv "bad.csv:3: not a number: here" 'x,y,date\n1,2,2026-01-01\nhere,2,2026-01-01\n'
bad_csv "bad.csv:2: not a date" 'x,y,date\n1,2,soon\n'
bad_csv "bad.csv:2: outside the National Grid" 'lon,lat,date\n54.5,-1.3,2026-01-01\n'
bad_csv "bad.csv:2: more or fewer cells" 'x,y,date\n1,2\n'
bad_csv "the file is empty" ''
expect 2 "police or public" "$moorwatch" import reports --db db --source press l.csv
expect 2 "reports or wards?" "$moorwatch" import roads --db db l.csv

cat > w.geojson <<JSON
{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"WD17CD":"E05","WD17NM":"Yarm"},
"geometry":{"type":"Polygon","coordinates":[[[-1.3,54.5],[-1.2,54.5],[-1.2,54.6],[-1.3,54.5]]]}}]}
JSON
expect 0 "1 wards" "$moorwatch" import wards --db db w.geojson
sed 's/WD17CD/CODE/' w.geojson > w2.geojson
expect 1 "feature 1: no ward code" "$moorwatch" import wards --db db w2.geojson
sed 's/Polygon/Point/' w.geojson > w3.geojson
expect 1 "feature 1: no Polygon" "$moorwatch" import wards --db db w3.geojson
head -c 100 w.geojson > w4.geojson
expect 1 "w4.geojson: line" "$moorwatch" import wards --db db w4.geojson
data=${MOORWATCH_DATA:-$here/../../../shared/data}
if [ -d "$data/wards" ]; then
    expect 0 "79 wards" "$moorwatch" import wards --db db "$data/wards/tees_wards_2017.geojson"
    zcat "$data/hotspots/fixture_points.csv.gz" > points.csv
    expect 0 "32380 reports" "$moorwatch" import reports --db db --year 2022 points.csv
else
    echo "no shared data: the real wards and reports were skipped"
fi
echo good
