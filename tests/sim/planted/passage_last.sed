# The dearest pair of a track and a target goes first.
s/best < 0 || c < best/best < 0 || c > best/
