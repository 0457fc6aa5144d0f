# Forget the newest batch when numbers are given.
s/s->now.next_seq = batch.seq + 1;/s->now.next_seq = batch.seq;/
