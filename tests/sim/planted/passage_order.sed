# What is told depends on how often the clock is looked at.
s/if (due < soonest) {/if (due < now_ns \&\& soonest <= now_ns) {/
