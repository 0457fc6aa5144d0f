# Free segments that the saved cursor does not cover.
s/if (!first_is_free(s) || spool_cursor_save(s) < 0)/if (!first_is_free(s))/
