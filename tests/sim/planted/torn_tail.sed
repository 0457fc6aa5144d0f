# Take the first damage for the end, and go on there.
/if (record.number > s->now.number)/,+1 s/damaged = damaged_since_batch = true;/break;/
s/if (last && !spool_log_blank(s, i, end)) {/if (last \&\& damaged) {/
