# A new segment without its name on the disk.
/^static int segment_create/,/^}/ s/r = s->disk.sync_dir(s->disk.ctx);/r = 0;/
