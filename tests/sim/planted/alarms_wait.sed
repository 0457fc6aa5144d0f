# One window for all: alarms wait behind a backlog.
s/in_flight(s, alarms) < s->conf.window/(alarms || in_flight(s, false) < s->conf.window) \&\& s->flight_count < s->conf.window/
s/for (int c = 0; c < CLASS_COUNT; c++)$/for (int c = CLASS_COUNT - 1; c >= 0; c--)/
