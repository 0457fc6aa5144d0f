#include "unit_store.h"
#include "log.h"
#include "uplink_paho.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char MODULE[] = "store", LINK[] = "link";
static const int64_t RETRY_NS = INT64_C(10) * 1000000000;
static const int64_t LINK_RETRY_NS = INT64_C(60) * 1000000000;

enum { CONNECT_MAX_S = 20, PUBACK_MAX_S = 60 };

/* --- keys ----------------------------------------------------------------------------------- */

int unit_store_init(struct unit_store *s, const struct unit_conf *conf) {
    memset(s, 0, sizeof *s);
    s->conf = conf;
    s->lock_fd = -1;
    s->up = -1;
    int err = seal_signer_load(conf->key, &s->signer);
    if (err < 0)
        log_error(MODULE, "[broker] key: %s: %s (a P-256 private key in PEM is wanted)", conf->key,
                  err_text(err));
    int other = seal_key_load(conf->collector_key, &s->collector);
    if (other < 0)
        log_error(MODULE, "[broker] collector_key: %s: %s (a public key or certificate in PEM)",
                  conf->collector_key, err_text(other));
    return err < 0 || other < 0 ? ERR_INVAL : 0;
}

/* --- spools --------------------------------------------------------------------------------- */

static int lock_directory(struct unit_store *s) {
    char path[UNIT_PATH_MAX + 8];
    snprintf(path, sizeof path, "%s/lock", s->conf->state);
    if (s->lock_fd < 0)
        s->lock_fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (s->lock_fd < 0)
        return -errno;
    return flock(s->lock_fd, LOCK_EX | LOCK_NB) == 0 ? 0 : errno == EWOULDBLOCK ? ERR_BUSY : -errno;
}

static struct sender_conf sender_conf_of(const struct unit_conf *c) {
    struct sender_conf conf = SENDER_DEFAULTS;
    memcpy(conf.device, c->device, sizeof conf.device);
    conf.classes[CLASS_EVENT] = (struct sender_class_conf){c->batch_events, c->batch_age_ns,
                                                           c->sync_events, c->sync_age_ns};
    conf.classes[CLASS_TELEMETRY].max_age_ns = c->telemetry_age_ns;
    if (conf.classes[CLASS_TELEMETRY].sync_age_ns > c->telemetry_age_ns)
        conf.classes[CLASS_TELEMETRY].sync_age_ns = c->telemetry_age_ns;
    conf.window = c->window;
    conf.resend_ns = c->resend_ns;
    conf.backoff_max_ns = c->backoff_max_ns;
    return conf;
}

static int open_spool(struct unit_store *s, enum event_class cls, uint64_t boot_id) {
    uint64_t fresh = 0;
    const struct spool_conf conf = {
        .cls = cls,
        .segment_bytes = cls == CLASS_EVENT ? 256 << 10 : 64 << 10,
        .quota_bytes = (int64_t)s->conf->quota_kib[cls] << 10,
    };
    int err = seal_random(&fresh, sizeof fresh);
    if (err < 0)
        return err;
    return spool_open(&s->spools[cls], &s->disk, &conf, boot_id, fresh != 0 ? fresh : 1);
}

static int open_all(struct unit_store *s, uint64_t boot_id) {
    int err = s->disk_open ? 0 : disk_posix(s->conf->state, &s->disk);
    s->disk_open = err == 0;
    if (err == 0)
        err = lock_directory(s);
    int opened = 0;
    for (; err == 0 && opened < CLASS_COUNT; opened++)
        err = open_spool(s, (enum event_class)opened, boot_id);
    for (; err < 0 && opened > 0; opened--)
        spool_close(&s->spools[opened - 1]);
    return err;
}

bool unit_store_open(struct unit_store *s, uint64_t boot_id, int64_t now_ns) {
    if (s->open || now_ns < s->retry_ns)
        return s->open;
    int err = open_all(s, boot_id);
    uint64_t seed = 0;
    s->retry_ns = now_ns + RETRY_NS;
    if (err == 0)
        err = seal_random(&seed, sizeof seed);
    if (err < 0) {
        if (!s->said)
            log_error(MODULE,
                      "%s: %s; nothing can be recorded, trying again every 10 s: make it a "
                      "directory that this user may write, on a disk with space",
                      s->conf->state, err_text(err));
        s->said = true;
        return false;
    }
    struct spool *spools[CLASS_COUNT];
    for (int c = 0; c < CLASS_COUNT; c++)
        spools[c] = &s->spools[c];
    const struct sender_conf conf = sender_conf_of(s->conf);
    sender_init(&s->sender, &conf, spools, &s->signer, &s->collector, boot_id, seed);
    s->open = true;
    if (s->said)
        log_info(MODULE, "%s: recording again", s->conf->state);
    return true;
}

/* --- link ----------------------------------------------------------------------------------- */

static const char *why_no_link(int err) {
    if (err == ERR_KEY)
        return "certificate and key are not the two halves of one P-256 key";
    return err == ERR_PERM ? "the certificate bears another name than [unit] device"
                           : err_text(err);
}

static void open_link(struct unit_store *s, int64_t now_ns) {
    const char *path = NULL;
    const struct unit_conf *c = s->conf;
    const struct uplink_paho_conf conf = {
        .host = c->host,
        .port = c->port,
        .ca_path = c->ca,
        .cert_path = c->certificate,
        .key_path = c->key,
        .device = c->device,
        .keepalive_s = (uint16_t)(c->keepalive_ns / 1000000000),
        .connect_max_s = CONNECT_MAX_S,
        .puback_max_s = PUBACK_MAX_S,
    };
    int err = uplink_paho_open(&conf, &s->link, &path);
    s->link_open = err >= 0;
    s->link_retry_ns = now_ns + LINK_RETRY_NS;
    if (err >= 0)
        return;
    s->link = uplink_none();
    if (!s->link_said)
        log_error(LINK, "%s%s%s; recording goes on, trying again every minute",
                  path != NULL ? path : "", path != NULL ? ": " : "", why_no_link(err));
    s->link_said = true;
}

/* One line when it comes up, one for each new reason why it does not. */
static void note_link(struct unit_store *s, const struct uplink_event *event) {
    if (event->kind == UPLINK_UP) {
        log_info(LINK, "connected to %s:%u", s->conf->host, s->conf->port);
        s->up = 1;
        s->why[0] = '\0';
    } else if (event->kind == UPLINK_DOWN) {
        const char *why = uplink_paho_last_error(&s->link);
        if (s->up == 1 || strncmp(s->why, why, sizeof s->why - 1) != 0)
            log_warn(LINK, "no connection to %s:%u: %s; recording goes on", s->conf->host,
                     s->conf->port, why[0] != '\0' ? why : err_text(event->detail));
        snprintf(s->why, sizeof s->why, "%s", why);
        s->up = 0;
    }
}

int64_t unit_store_step(struct unit_store *s, int64_t now_ns) {
    struct uplink_event event;
    int64_t next = INT64_MAX;
    if (!s->link_open && now_ns >= s->link_retry_ns)
        open_link(s, now_ns);
    if (!s->open)
        return s->retry_ns;
    while (s->link.next(s->link.ctx, &event) == 1) {
        if (s->link_open)
            note_link(s, &event);
        sender_heard(&s->sender, &event, now_ns);
    }
    int err = sender_step(&s->sender, &s->link, now_ns, &next);
    if (err < 0 && !s->said)
        log_error(MODULE, "%s: %s; what cannot be written is held in memory as far as it fits",
                  s->conf->state, err_text(err));
    else if (err == 0 && s->said)
        log_info(MODULE, "%s: writing again", s->conf->state);
    s->said = err < 0;
    if (!s->link_open && s->link_retry_ns < next)
        next = s->link_retry_ns;
    return next;
}

void unit_store_close(struct unit_store *s, int64_t now_ns) {
    if (s->open) {
        int err = sender_finish(&s->sender, now_ns);
        if (err < 0)
            log_error(MODULE, "%s: %s; the last events may be lost", s->conf->state, err_text(err));
        for (int c = 0; c < CLASS_COUNT; c++)
            spool_close(&s->spools[c]);
    }
    if (s->link_open) {
        s->link.disconnect(s->link.ctx);
        s->link.close(s->link.ctx);
    }
    if (s->disk_open)
        disk_posix_free(&s->disk);
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    seal_signer_free(&s->signer);
    seal_key_free(&s->collector);
    memset(s, 0, sizeof *s);
}

uint32_t unit_store_refused(const struct unit_store *s) {
    return s->link_open ? uplink_paho_refused(&s->link) : 0;
}

/* --- small texts and numbers ---------------------------------------------------------------- */

int unit_store_recall_text(struct unit_store *s, const char *name, char *buf, size_t cap) {
    char file[DISK_NAME_MAX + 1];
    snprintf(file, sizeof file, "unit.%s", name);
    int f = s->disk_open ? s->disk.open(s->disk.ctx, file, 0) : ERR_NODEV;
    if (f < 0)
        return f;
    int n = s->disk.read(s->disk.ctx, f, 0, buf, cap - 1);
    buf[n > 0 ? n : 0] = '\0';
    s->disk.close(s->disk.ctx, f);
    return n;
}

/* Written beside and moved over, so that a power cut leaves the old or the new. */
void unit_store_remember_text(struct unit_store *s, const char *name, const char *text) {
    char file[DISK_NAME_MAX + 1], fresh[DISK_NAME_MAX + 1];
    const struct disk *d = &s->disk;
    size_t len = strlen(text);
    snprintf(file, sizeof file, "unit.%s", name);
    snprintf(fresh, sizeof fresh, "unit.%s.new", name);
    int f = s->disk_open ? d->open(d->ctx, fresh, 1) : ERR_NODEV;
    int err = f < 0 ? f : d->write(d->ctx, f, 0, text, len);
    if (err >= 0)
        err = d->truncate(d->ctx, f, (int64_t)len);
    if (err >= 0)
        err = d->sync(d->ctx, f);
    if (f >= 0)
        d->close(d->ctx, f);
    if (err >= 0)
        err = d->rename(d->ctx, fresh, file);
    if (err >= 0)
        err = d->sync_dir(d->ctx);
    if (err < 0 && !s->said)
        log_warn(MODULE, "%s: %s: not kept: %s", s->conf->state, name, err_text(err));
}

uint64_t unit_store_recall(struct unit_store *s, const char *name, uint64_t def) {
    char text[24];
    uint64_t value;
    int n = unit_store_recall_text(s, name, text, sizeof text);
    return n > 0 && sscanf(text, "%" SCNu64, &value) == 1 ? value : def;
}

void unit_store_remember(struct unit_store *s, const char *name, uint64_t value) {
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64 "\n", value);
    unit_store_remember_text(s, name, text);
}
