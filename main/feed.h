/*
 * feed.h - where `sluice feed` writes to: a log of our own (Kafka, or an embedded log that nobody else has
 * open), or a running server.
 */
#ifndef SLUICE_MAIN_FEED_H
#define SLUICE_MAIN_FEED_H

#include "log/log.h"

typedef struct FeedTarget FeedTarget;
struct FeedTarget {
    /* Makes the topic when it is missing. */
    Status (*prepare)(FeedTarget *self, Str topic, int partitions, Error *err);
    /* Copies the record; it is durable after the next flush. */
    Status (*append)(FeedTarget *self, Str topic, const LogRecord *record, Error *err);
    Status (*flush)(FeedTarget *self, Error *err);
    void (*close)(FeedTarget *self);
};

Status feed_open_kafka(const LogConfig *configs, size_t count, FeedTarget **out, Error *err);
/* The embedded log of a state directory; E_BUSY when a server has it. */
Status feed_open_embedded(const char *state_dir, FeedTarget **out, Error *err);
/* `user` with the password of SLUICE_PASSWORD, or `token`; NULL: neither. */
Status feed_open_server(const char *url, const char *user, const char *token, FeedTarget **out, Error *err);

#endif
