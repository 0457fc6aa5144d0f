# Believe every record.
s/if (frame_crc(buf, size) != record_get(buf + 4, 4))/if (len > SPOOL_RECORD_MAX)/
