# Two batches in one sync.
s/if (r >= 0 && s->held_batch)/if (r > 0 \&\& s->held_batch)/
