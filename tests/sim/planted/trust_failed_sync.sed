# Sync again after a failed sync, and believe it.
/^static int sync_once/,/^}/ s/tail_leave(s);/s->held_written = s->held_len;/
