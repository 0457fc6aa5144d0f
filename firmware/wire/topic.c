#include "topic.h"
#include "envelope.h"
#include "moorwatch.pb.h"
#include "span.h"
#include <assert.h>
#include <pb_encode.h>
#include <stdio.h>
#include <string.h>

#define PREFIX "mw/1/"

static const char *const LEAVES[] = {"a", "e", "t"};
static_assert(sizeof PREFIX - 1 + WIRE_DEVICE_MAX + sizeof "/status" <= TOPIC_MAX,
              "the longest topic fits");
static_assert(moorwatch_Header_size > 0 &&
                  33 + 9 + 2 + 11 + 3 + ACK_ALSO_MAX * 10 + WIRE_SIGNED_TAIL <= ACK_PAYLOAD_MAX,
              "the largest acknowledgement fits");

bool topic_device_valid(const char *device) {
    size_t len = strnlen(device, WIRE_DEVICE_MAX + 1);
    if (len == 0 || len > WIRE_DEVICE_MAX || device[0] < 'a' || device[0] > 'z')
        return false;
    return strspn(device, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

static int write_topic(char *buf, size_t cap, const char *device, const char *leaf) {
    if (!topic_device_valid(device))
        return ERR_INVAL;
    int n = snprintf(buf, cap, PREFIX "%s/%s", device, leaf);
    return n >= 0 && (size_t)n < cap ? n : ERR_OVERFLOW;
}

int topic_batch(char *buf, size_t cap, const char *device, enum event_class cls) {
    return (unsigned)cls < CLASS_COUNT ? write_topic(buf, cap, device, LEAVES[cls]) : ERR_INVAL;
}

int topic_status(char *buf, size_t cap, const char *device) {
    return write_topic(buf, cap, device, "status");
}

int topic_ack(char *buf, size_t cap, const char *device) {
    return write_topic(buf, cap, device, "ack");
}

static bool parse_leaf(const char *leaf, struct topic *topic) {
    for (unsigned cls = 0; cls < CLASS_COUNT; cls++)
        if (strcmp(leaf, LEAVES[cls]) == 0) {
            topic->kind = TOPIC_BATCH;
            topic->cls = (enum event_class)cls;
            return true;
        }
    topic->kind = strcmp(leaf, "status") == 0 ? TOPIC_STATUS : TOPIC_ACK;
    return topic->kind == TOPIC_STATUS || strcmp(leaf, "ack") == 0;
}

int topic_parse(const char *name, size_t len, struct topic *ret_topic) {
    char copy[TOPIC_MAX];
    struct topic topic = {0};
    if (len >= sizeof copy || memchr(name, '\0', len) != NULL)
        return ERR_BADMSG;
    memcpy(copy, name, len);
    copy[len] = '\0';
    if (strncmp(copy, PREFIX, sizeof PREFIX - 1) != 0)
        return ERR_BADMSG;
    const char *device = copy + sizeof PREFIX - 1;
    const char *slash = strchr(device, '/');
    if (slash == NULL || slash - device > WIRE_DEVICE_MAX || !parse_leaf(slash + 1, &topic))
        return ERR_BADMSG;
    memcpy(topic.device, device, (size_t)(slash - device));
    if (!topic_device_valid(topic.device))
        return ERR_BADMSG;
    *ret_topic = topic;
    return 0;
}

int ack_encode(const struct ack *ack, const char *device, const struct seal_signer *signer,
               uint8_t *payload, size_t cap) {
    if (!topic_device_valid(device) || (unsigned)ack->cls >= CLASS_COUNT ||
        ack->also_count > ACK_ALSO_MAX)
        return ERR_INVAL;
    moorwatch_Acknowledgement m = {
        .spool_id = ack->spool_id,
        .class = (uint32_t)ack->cls,
        .has_upto = ack->has_upto,
        .upto = ack->upto,
        .also_count = (pb_size_t)ack->also_count,
    };
    memcpy(m.device, device, strlen(device));
    for (size_t i = 0; i < ack->also_count; i++)
        m.also[i] = ack->also[i];
    pb_ostream_t stream = pb_ostream_from_buffer(payload, cap);
    if (!pb_encode(&stream, moorwatch_Acknowledgement_fields, &m))
        return ERR_OVERFLOW;
    return envelope_seal(payload, stream.bytes_written, cap, signer);
}

bool ack_covers(const struct ack *ack, uint64_t seq) {
    if (ack->has_upto && seq <= ack->upto)
        return true;
    for (size_t i = 0; i < ack->also_count; i++)
        if (ack->also[i] == seq)
            return true;
    return false;
}

int ack_decode(const uint8_t *payload, size_t len, const char *device, const struct seal_key *key,
               struct ack *ret_ack) {
    if (len > ACK_PAYLOAD_MAX || !envelope_sealed(payload, len))
        return ERR_BADMSG;
    if (batch_verify(payload, len, key) < 0)
        return ERR_KEY;
    struct span signature = {0};
    moorwatch_Acknowledgement m = {.signature = span_note(&signature)};
    const uint8_t *cursor = payload;
    pb_istream_t stream = span_stream(&cursor, len);
    if (!pb_decode(&stream, moorwatch_Acknowledgement_fields, &m) || !signature.seen ||
        signature.at != payload + len - SEAL_BYTES || m.class >= CLASS_COUNT)
        return ERR_BADMSG;
    if (strcmp(m.device, device) != 0)
        return ERR_KEY;
    struct ack ack = {
        .spool_id = m.spool_id,
        .cls = (enum event_class)m.class,
        .has_upto = m.has_upto,
        .upto = m.has_upto ? m.upto : 0,
        .also_count = m.also_count,
    };
    for (size_t i = 0; i < ack.also_count; i++)
        ack.also[i] = m.also[i];
    *ret_ack = ack;
    return 0;
}
