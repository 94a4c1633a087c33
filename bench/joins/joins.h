/*
 * joins.h - what the parts of bench_joins share: clients of Kafka, topics, and the marks.
 *
 * A mark is a key that stands in both inputs of the join, so it comes out as a key of the output and says how
 * far the peer has come without asking it. "Mark.PARTITION.DONE.SALT": DONE counts the records of both topics
 * in that partition up to and including the mark's own two; the salt makes Java's partitioner put the mark
 * where its neighbours are.
 */
#ifndef SLUICE_BENCH_JOINS_H
#define SLUICE_BENCH_JOINS_H

#include <inttypes.h>
#include <librdkafka/rdkafka.h>

#include "core/str.h"

enum { PARTITIONS_MAX = 64 };

/* The partition that a Java producer gives that key. */
int mark_partition(const char *key, int partitions);
/* Writes the mark into out; it lands in `partition` of `partitions`. */
void mark_make(char *out, size_t size, int partition, int partitions, int64_t done);
/* Whether key is a mark, and of which partition and count. */
bool mark_read(Str key, int *partition, int64_t *done);

/* All below end the process with a message when Kafka refuses. The load and the watcher are one thread each.
 */

/* A client of $BROKERS; `settings` is name, value, ..., NULL. Freed with the process. */
rd_kafka_t *kafka_client(rd_kafka_type_t type, const char *const *settings);
/* A topic that nothing is deleted from and that is not compacted: all peers see all records. */
void topic_create(rd_kafka_t *client, const char *name, int partitions);
/* 0: there is no such topic. */
int topic_partitions(rd_kafka_t *client, const char *name);
/* Records that have ever been written there. */
int64_t topic_end(rd_kafka_t *client, const char *name, int partition);
/* Deletes all topics whose name has `part` in it. */
void topics_purge(rd_kafka_t *client, const char *part);

void die(const char *fmt, ...) SL_PRINTF(1, 2) __attribute__((noreturn));

/* The subcommands: joins.c says what they do. Their arguments are name=value, see option_* there. */
int         load_main(int argc, char **argv);
int         watch_main(int argc, char **argv);
const char *option_text(int argc, char **argv, const char *name,
                        const char *otherwise); /* NULL: it must be given */
int64_t     option_number(int argc, char **argv, const char *name, int64_t otherwise);

#endif
