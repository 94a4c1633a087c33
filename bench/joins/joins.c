/*
 * joins.c - the tool of bench_joins.sh: loads the inputs of a join, makes and deletes topics, times a peer.
 *
 *   bench_joins load join=stream|table orders=TOPIC payments=TOPIC [name=value ...]   see joins_load.c
 *   bench_joins watch orders=TOPIC payments=TOPIC out=TOPIC pid=PID [name=value ...]  see joins_watch.c
 *   bench_joins create TOPIC PARTITIONS | has TOPIC | purge PART-OF-NAME
 *
 * $BROKERS says where Kafka is.
 */
#include <stdarg.h>

#include "bench/joins/joins.h"

void die(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fputs("bench_joins: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

const char *option_text(int argc, char **argv, const char *name, const char *otherwise)
{
    size_t len = strlen(name);
    for (int i = 0; i < argc; i++)
        if (strncmp(argv[i], name, len) == 0 && argv[i][len] == '=')
            return argv[i] + len + 1;
    if (otherwise == NULL)
        die("%s=... is missing", name);
    return otherwise;
}

int64_t option_number(int argc, char **argv, const char *name, int64_t otherwise)
{
    const char *text = option_text(argc, argv, name, "");
    if (*text == '\0')
        return otherwise;
    char   *end;
    int64_t value = strtoll(text, &end, 10);
    if (*end != '\0' || value < 0)
        die("%s=%s is no number", name, text);
    return value;
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "";
    if (strcmp(command, "load") == 0)
        return load_main(argc - 2, argv + 2);
    if (strcmp(command, "watch") == 0)
        return watch_main(argc - 2, argv + 2);
    rd_kafka_t *client = kafka_client(RD_KAFKA_PRODUCER, NULL);
    if (argc == 4 && strcmp(command, "create") == 0)
        topic_create(client, argv[2], atoi(argv[3]));
    else if (argc == 3 && strcmp(command, "has") == 0)
        return topic_partitions(client, argv[2]) > 0 ? 0 : 1;
    else if (argc == 3 && strcmp(command, "purge") == 0)
        topics_purge(client, argv[2]);
    else
        die("usage: bench_joins load|watch name=value... | create TOPIC PARTITIONS | has TOPIC | purge PART");
    return 0;
}
