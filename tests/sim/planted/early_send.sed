# Let leave what is not durable.
/^int spool_next_batch/,/^}/ s/if (record.number >= s->durable.number)/if (record.number >= s->now.number)/
