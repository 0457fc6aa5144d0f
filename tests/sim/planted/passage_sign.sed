# A target may join a track of the other direction.
s/t->sign != sign_of(&f->targets\[j\])/t->sign == 0/
