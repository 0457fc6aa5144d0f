# Believe the broker: its PUBACK frees the oldest batch in flight.
s|break; /\* the broker.s word frees nothing \*/|if (s->flight_count > 0) { struct ack a = {.spool_id = s->flights[0].batch.spool_id, .cls = s->flights[0].cls, .has_upto = true, .upto = s->flights[0].batch.seq}; if (spool_ack(s->spools[a.cls], \&a) >= 0) flight_remove(s, 0); } break;|
