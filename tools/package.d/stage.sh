#!/bin/bash
# stage.sh STAGE BUILD VERSION MAINTAINER: what a Debian package wants beside the files of `cmake --install`: the
# configuration, the change log and licence, compressed pages, and nothing that depends on when or
# where it was made.  Run by CPack (stage.cmake); SOURCE_DATE_EPOCH says which time files bear.
set -euo pipefail
umask 022
stage=$1 build=$2 version=$3 maintainer=$4
here=$(dirname "$0")

# CHANGELOG.md's newest section in the form of Debian.
changelog() {
    echo "moorwatch ($version) stable; urgency=medium"
    echo
    # One line for each entry, then lines of a width that Debian's readers have.
    awk '/^## / { n++ } n != 1 { next } /^- / { if (e) print e; e = substr($0, 3) }
        /^  [^ ]/ { e = e " " substr($0, 3) } END { if (e) print e }' "$here/../../CHANGELOG.md" |
        while read -r entry; do
            fold -s -w 74 <<<"$entry" | sed 's/ *$//; 1s/^/  * /; 2,$s/^/    /'
        done
    echo
    echo " -- $maintainer  $(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")"
}

while IFS='|' read -r id package _; do
    component=$(tr '[:upper:]' '[:lower:]' <<<"$id")
    root=$stage/$component
    [ -d "$root" ] || continue
    doc=$root/usr/share/doc/$package
    mkdir -p "$doc"
    changelog | gzip -9n >"$doc/changelog.gz"
    cp "$here/copyright" "$doc/copyright"
    if [ -f "$build/package/$component/conffiles" ]; then
        mkdir -p "$root/etc/moorwatch"
        cp "$build/package/$component/$component.conf" "$root/etc/moorwatch/"
    fi
    [ ! -d "$root/usr/share/man" ] || find "$root/usr/share/man" -type f -exec gzip -9n {} +
    mkdir -p "$root/usr/share/lintian/overrides"
    [ ! -f "$here/$component.overrides" ] ||
        cp "$here/$component.overrides" "$root/usr/share/lintian/overrides/$package"
    find "$root" -type d -empty -delete
    find "$root" -type f ! -path '*/bin/*' -exec chmod 0644 {} +
    find "$root" -depth -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
done <"$build/package/depends"
