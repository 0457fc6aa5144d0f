# Believe that what was read is on the disk.
s/if (s->read_only || s->segment_count == 0)/if (s->segment_count < SPOOL_SEGMENTS_MAX)/
