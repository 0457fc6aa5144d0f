#!/bin/bash
# image_test.sh BIN BOARDS: the image recipes as far as a machine without the hardware can judge them:
# files that parse and name boards and kits that fit, slots that are switched and given up, a trial
# that is kept only if the daemon is well, a device that makes its own key, and a real RAUC bundle,
# signed, read back, refused under another keyring.  Skips with a word what has no tool here.
set -u
bin=$(realpath "$1") boards=$(realpath "$2")
image=$boards/image overlay=$boards/image/layer/moorwatch.d/customize.overlay
lib=$overlay/usr/lib/moorwatch
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0

fail() {
    echo "FAILED: $*" >&2
    failed=1
}
is() { [ "$2" = "$3" ] || fail "$1: \"$3\", not \"$2\""; }

# --- files ---------------------------------------------------------------------------------------

for script in "$lib"/* "$image/bundle"; do
    sh -n "$script" || fail "$script does not parse"
    [ -x "$script" ] || fail "$script cannot be run"
done
if python3 -c 'import yaml' 2>/dev/null; then
    "$bin/boardlint" --dir "$boards" --pairs >"$dir/pairs" || fail "boardlint --pairs"
    python3 - "$image" "$dir/pairs" <<'END' || fail "the recipes"
import pathlib, sys, yaml
image, pairs = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]).read_text().split("\n")
for path in sorted(image.glob("config/*.yaml")):
    conf = yaml.safe_load(path.read_text())
    board, kit = conf["moorwatch"]["board"], conf["moorwatch"]["kit"]
    assert f"pair\t{board}\t{kit}" in pairs, f"{path.name}: {kit} does not claim {board}"
    assert conf["image"]["name"] == "moorwatch-" + board, path.name
    assert conf["layer"]["app"] == "moorwatch", path.name
    two = conf["image"]["layer"] == "image-rota"
    assert two == (path.stem in ("pi4", "pi5", "cm4")), f"{path.name}: tryboot needs a Pi 4 or later"
layer = (image / "layer/moorwatch.yaml").read_text()
hooks = yaml.safe_load(layer.split("# METAEND", 1)[1])["mmdebstrap"]["customize-hooks"]
assert all(isinstance(h, str) for h in hooks), hooks
END
else
    echo "skipped: no python3-yaml"
fi
if command -v systemd-analyze >/dev/null; then
    for unit in "$overlay"/etc/systemd/system/*.service; do
        sed "s|=/usr/lib/moorwatch/|=$lib/|" "$unit" >"$dir/$(basename "$unit")"
        said=$(systemd-analyze verify --man=no "$dir/$(basename "$unit")" 2>&1 | grep moorwatch)
        is "$(basename "$unit")" "" "$said"
    done
fi

# --- slots ---------------------------------------------------------------------------------------

export BOOTFS=$dir/bootfs SLOT_STATE=$dir/slots
mkdir "$BOOTFS"
printf '[all]\ntryboot_a_b=1\nboot_partition=2\n[tryboot]\nboot_partition=3\n' >"$BOOTFS/autoboot.txt"
slot() { "$lib/boot-slot" "$@" 2>"$dir/slot.err"; }
boots() { sed -n "/^\[$1\]/,/^\[/s/^boot_partition=//p" "$BOOTFS/autoboot.txt" | tail -1; }

is "at first" A "$(slot get-primary)"
is "A at first" good "$(slot get-state A)"
is "B at first" bad "$(slot get-state B)"
slot set-state B bad && slot set-primary B || fail "an installation in B"
is "installed" B "$(slot get-primary)"
is "installed, but not the default" 2 "$(boots all)"
is "installed, on trial" 3 "$(boots tryboot)"
slot set-state B bad
is "given up" A "$(slot get-primary)"
slot set-primary B && slot set-state B good || fail "marked good"
is "marked good" B "$(slot get-primary)"
is "marked good, the default" 3 "$(boots all)"
is "the next goes to A" 2 "$(boots tryboot)"
is "B" good "$(slot get-state B)"
slot set-primary A
is "the next update" A "$(slot get-primary)"
is "until it is good" 3 "$(boots all)"
[ "$(wc -c <"$BOOTFS/autoboot.txt")" -le 512 ] || fail "autoboot.txt is longer than the firmware reads"
slot set-primary C && fail "a slot that is not there"
slot set-state A fine && fail "a state that is not there"
slot && fail "nothing to do"

# --- the trial -----------------------------------------------------------------------------------

mkdir -p "$dir/fake" "$dir/tree/chosen/bootloader"
printf 'BOARD=raspberrypi-4-b\nKIT=padlock-hub\nDAEMON=padlock\n' >"$dir/device"
cat >"$dir/fake/systemctl" <<END
#!/bin/sh
case "\$*" in
is-active*) cat $dir/active ;;
*StatusText*) cat $dir/status ;;
*NRestarts*) cat $dir/restarts; [ ! -e $dir/crashing ] || echo x\$(cat $dir/restarts) >$dir/restarts ;;
esac
END
printf '#!/bin/sh\necho "$*" >>%s/marked\n' "$dir" >"$dir/fake/rauc"
printf '#!/bin/sh\n' >"$dir/fake/sleep"
chmod +x "$dir/fake/"*
trial() {
    rm -f "$dir/marked"
    PATH=$dir/fake:$PATH DEVICE=$dir/device TREE=$dir/tree HEALTHY_S=3 PATIENCE_S=8 STEP_S=1 \
        "$lib/mark-good" >"$dir/trial.log" 2>&1
}
echo active >"$dir/active"; echo "not connected, 3 batches wait" >"$dir/status"; echo 0 >"$dir/restarts"
printf '\0\0\0\0' >"$dir/tree/chosen/bootloader/tryboot"
trial || fail "a system that is not on trial and not connected is left alone"
[ -e "$dir/marked" ] && fail "a system that is not on trial was marked"
printf '\0\0\0\1' >"$dir/tree/chosen/bootloader/tryboot"
trial && fail "never connected, and kept"
[ -e "$dir/marked" ] && fail "never connected, and marked good"
echo "connected" >"$dir/status"
trial || fail "well, and given up: $(cat "$dir/trial.log")"
is "well" "status mark-good booted" "$(cat "$dir/marked" 2>/dev/null)"
touch "$dir/crashing"
trial && fail "restarted again and again, and kept"
rm "$dir/crashing"
echo failed >"$dir/active"
trial && fail "not running, and kept"

# --- provisioning --------------------------------------------------------------------------------

printf '10000000abcdef12\0' >"$dir/tree/serial-number"
cat >"$dir/fake/hostname" <<'END'
#!/bin/sh
echo moorwatch
END
chmod +x "$dir/fake/hostname"
provision() {
    PATH=$dir/fake:$PATH DIR=$dir/etc DEVICE=$dir/device TREE=$dir/tree BIN=$bin \
        "$lib/provision" >"$dir/provision.log" 2>&1
}
provision || fail "provision: $(cat "$dir/provision.log")"
name=mw-abcdef12
is "mode of the key" 600 "$(stat -c %a "$dir/etc/device.key")"
openssl req -in "$dir/etc/outbox/$name.csr" -verify -noout 2>/dev/null || fail "the request"
is "whose request" "subject=CN = $name" "$(openssl req -in "$dir/etc/outbox/$name.csr" -noout -subject)"
grep -q 'PRIVATE' "$dir/etc/outbox/"* && fail "the private key leaves the device"
for line in "device = $name" "board = raspberrypi-4-b" "kit = padlock-hub"; do
    grep -qx "$line" "$dir/etc/padlock.conf" || fail "the configuration does not say: $line"
done
sum=$(sha256sum "$dir/etc/device.key" "$dir/etc/outbox/$name.csr")
provision || fail "provision again"
is "the second boot" "$sum" "$(sha256sum "$dir/etc/device.key" "$dir/etc/outbox/$name.csr")"
# The authority, and the collector's register.
(cd "$dir" && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key \
    -out ca.pem -days 9 -subj "/CN=test authority" 2>/dev/null &&
    openssl x509 -req -in "etc/outbox/$name.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 8 \
        -out "etc/outbox/$name.crt" 2>/dev/null) || fail "signing"
(cd "$dir/etc/outbox" && "$bin/moorwatch" register --db "$dir/mw.db" "$name.ini" >"$dir/reg.log" 2>&1) ||
    fail "the collector's register: $(cat "$dir/reg.log")"
rm "$dir/tree/serial-number"
rm -r "$dir/etc"
provision && fail "no serial number and no name"
grep -q 'give the device a name' "$dir/provision.log" || fail "what to do without a serial number"

# --- bundles -------------------------------------------------------------------------------------

if command -v rauc >/dev/null && command -v mksquashfs >/dev/null; then
    cd "$dir" || exit 1
    head -c 1M /dev/urandom >boot.img
    head -c 64K /dev/urandom >file && truncate -s 4M system.img && mkdir root && mv file root/ &&
        mkfs.ext4 -q -d root system.img
    for who in maker stranger; do
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $who.key \
            -out $who.pem -days 9 -subj "/CN=$who" 2>/dev/null
    done
    "$image/bundle" raspberrypi-4-b 1.2.3 boot.img system.img maker.key maker.pem up.raucb >bundle.log 2>&1 ||
        fail "bundle: $(cat bundle.log)"
    sed "s/@BOARD@/raspberrypi-4-b/; s|/etc/rauc/keyring.pem|$dir/maker.pem|; s|/usr/lib/moorwatch|$lib|" \
        "$overlay/etc/rauc/system.conf" >system.conf
    rauc --conf=system.conf info --output-format=shell up.raucb >info 2>info.err ||
        fail "rauc info with our system.conf: $(cat info.err)"
    for line in "RAUC_MF_COMPATIBLE='raspberrypi-4-b'" "RAUC_MF_VERSION='1.2.3'" "RAUC_MF_IMAGES=2"; do
        grep -qx "$line" info || fail "the bundle does not say $line: $(cat info)"
    done
    rauc info --keyring=stranger.pem up.raucb >/dev/null 2>&1 && fail "taken under another keyring"
    "$image/bundle" nothing 1 boot.img system.img maker.key maker.pem no.raucb 2>no.log && fail "no board"
    grep -q 'no board nothing' no.log || fail "which board is missing"
    sed -i 's/^device=.*system_b/divice=x/' system.conf
    rauc --conf=system.conf info up.raucb >/dev/null 2>&1 && fail "rauc reads any system.conf"
else
    echo "skipped: no rauc or no squashfs-tools: the bundle is not made"
fi
exit $failed
