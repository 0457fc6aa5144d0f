# Never wait for the disk.
s/r = s->disk.sync(s->disk.ctx, s->tail_file);/r = 0;/
