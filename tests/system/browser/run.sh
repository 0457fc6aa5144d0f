#!/bin/sh
# run: a script in a real browser on the real collector.  run.sh BUILD_DIR SCRIPT [ARGUMENT]
# Installs playwright-core by the lock file into the build directory, which needs npm's registry
# once.  Debian 12 has Node 18, which playwright-core 1.65 refuses and 1.55 runs on.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../../.." && pwd)
build=$(cd "$1" && pwd)
LEAFLET_DIR=${MOORWATCH_LEAFLET:-/usr/share/javascript/leaflet}
CHROMIUM=${CHROMIUM:-/usr/bin/chromium}
PATH=$PATH:/usr/sbin
for need in node npm openssl mosquitto mosquitto_pub "$CHROMIUM"; do
    command -v "$need" >/dev/null || { echo "browser: $need is missing: skipped (tools/setup installs it)"; exit 77; }
done
[ -d "$LEAFLET_DIR" ] || { echo "browser: no $LEAFLET_DIR: skipped (tools/setup installs libjs-leaflet)"; exit 77; }

modules=$build/tests/system/browser
mkdir -p "$modules"
if ! cmp -s "$here/package-lock.json" "$modules/package-lock.json" || [ ! -d "$modules/node_modules/playwright-core" ]; then
    cp "$here/package.json" "$here/package-lock.json" "$here/.npmrc" "$modules/"
    (cd "$modules" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) ||
        { rm -f "$modules/package-lock.json"; echo "browser: npm ci failed: is the npm registry reachable?"; exit 1; }
fi

wards=${MOORWATCH_DATA:-$source/../shared/data}/wards/tees_wards_2017.geojson
export PATH CHROMIUM LEAFLET_DIR MODULES="$modules" BUILD="$build" WEB_DIR="$source/collector/web"
[ ! -r "$wards" ] || export WARDS="$wards"
exec node "$here/$2" "${3:-}"
