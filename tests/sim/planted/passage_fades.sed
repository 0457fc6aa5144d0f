# Who fades out and comes back is two.
s/gap <= 0 || gap > RESUME_NS/gap > 0/
