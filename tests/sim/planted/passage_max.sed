# The largest of the radial speeds is told.
s/\.speed_mm_s = s->p90/.speed_mm_s = s->max/
