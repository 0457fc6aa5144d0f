#!/bin/sh
# run: the page in a real browser.  run.sh WEBSERVER BUILD_DIR
# Installs playwright-core by the lock file into BUILD_DIR, which needs npm's registry once.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../../.." && pwd)
webserver=$1
build=$2
leaflet=${MOORWATCH_LEAFLET:-/usr/share/javascript/leaflet}
CHROMIUM=${CHROMIUM:-/usr/bin/chromium}
for need in node npm "$CHROMIUM"; do
    command -v "$need" >/dev/null || { echo "browser: $need is missing: skipped (tools/setup installs it)"; exit 77; }
done
[ -d "$leaflet" ] || { echo "browser: no $leaflet: skipped (tools/setup installs libjs-leaflet)"; exit 77; }

mkdir -p "$build"
if ! cmp -s "$here/package-lock.json" "$build/package-lock.json" || [ ! -d "$build/node_modules/playwright-core" ]; then
    cp "$here/package.json" "$here/.npmrc" "$build/"
    (cd "$build" && cp "$here/package-lock.json" . && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) ||
        { rm -f "$build/package-lock.json"; echo "browser: npm ci failed: is the npm registry reachable?"; exit 1; }
fi

wards=${MOORWATCH_DATA:-$source/../shared/data}/wards/tees_wards_2017.geojson
export CHROMIUM MODULES="$build" WEBSERVER="$webserver" WEB_DIR="$source/collector/web" LEAFLET_DIR="$leaflet"
[ -r "$wards" ] && export WARDS="$wards"
exec node "$here/${3:-page.mjs}" "${4:-}"
