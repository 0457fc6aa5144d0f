# Believe that what the kernel has taken is on the disk.
s/return fdatasync(file) == 0 ? 0 : fail();/return file >= 0 ? 0 : fail();/
