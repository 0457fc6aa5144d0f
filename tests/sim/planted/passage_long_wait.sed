# Eight seconds of silence end a track.
s/\.silence_ns = 800000000/.silence_ns = 8000000000/
