# Pass a loss before it is told.
s/struct spool_cursor next = s->drop_count > 0 ? s->saved : s->cursor;/struct spool_cursor next = s->cursor;/
