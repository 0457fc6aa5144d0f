# A platoon is one vehicle.
s/unsigned from = passage_jump(&p->tracks\[at\])/unsigned from = 0/
