# A reading is rounded up to a threshold.
s/(int64_t)vehicle->speed_mm_s \* 1000 \/ 44704/((int64_t)vehicle->speed_mm_s * 1000 + 22352) \/ 44704/
