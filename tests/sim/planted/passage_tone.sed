# A fan is a vehicle.
s/bool tone = is_tone(p, t, &s)/bool tone = is_tone(p, t, \&s) \&\& s.p90 == 0/
