# The seam to GPIO on simulated chips, every kit on every board, and the I2C drivers on a simulated
# bus.  Run by gpio.py.
. /lib.sh
export MOORWATCH_GPIO_SIM=/sys/kernel/config/gpio-sim

# tested NAME PROGRAM...: a test's exit status and, on failure, its first complaint; no skipping.
tested() {
    what=$1
    shift
    begin
    "$@" >/tmp/out 2>&1
    status=$?
    cat /tmp/out
    if [ $status -ne 0 ]; then
        fail "$what" "$(grep -m1 -A1 ERROR /tmp/out | tr '\n:' '  ')"
    elif grep -q SKIPPED /tmp/out; then
        fail "$what" "something was skipped"
    else
        pass "$what"
    fi
}

tested "seam contract" /test/gpio_chip_test
/test/kit_drive /mw/boards /mw/plan || echo "kit_drive ended with $?"
bus=$(grep -l 'SMBus stub' /sys/class/i2c-adapter/*/name | sed 's#.*/\(i2c-[0-9]*\)/name#/dev/\1#')
for program in /test/i2c/*; do
    MOORWATCH_I2C=$bus tested "i2c ${program##*/}" "$program"
done
