# Rain is as good as a vehicle.
s/s->dense_percent >= d->dense_percent/true/
