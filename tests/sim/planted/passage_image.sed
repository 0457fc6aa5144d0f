# An image is a vehicle.
s/t->mirrored \* 5 < t->hits \* 3/true/
