/*
 * feed_server.c - records by way of a running server, POST /sluice/records: batches of records as they are to
 * stand in the topic. INSERT would not do: it writes only what fits a stream's columns.
 */
#include "core/value.h"
#include "main/feed.h"
#include "shell/client.h"
#include "shell/jtext.h"

enum { BATCH_BYTES = 512 * 1024 };

typedef struct {
    FeedTarget base;
    ClientAuth auth;
    Client    *client;
    StrBuf     batch; /* the request being made; empty: nothing waits */
    StrBuf     reply;
    char      *topic;
    int        partitions;
} ServerTarget;

static Status server_prepare(FeedTarget *base, Str topic, int partitions, Error *err)
{
    ServerTarget *self = (ServerTarget *)base;
    self->topic        = str_to_heap(topic);
    self->partitions   = partitions;
    return OK;
}

static void begin_batch(ServerTarget *self)
{
    strbuf_adds(&self->batch, "{\"topic\":");
    jtext_add_string(&self->batch, str_c(self->topic));
    strbuf_addf(&self->batch, ",\"partitions\":%d,\"records\":[", self->partitions);
}

/* "name":"text", or "name64":"base64" for bytes that are no UTF-8. */
static void add_bytes(StrBuf *out, const char *name, Str bytes)
{
    if (str_is_null(bytes))
        return;
    if (utf8_valid(bytes)) {
        strbuf_addf(out, ",\"%s\":", name);
        jtext_add_string(out, bytes);
        return;
    }
    Arena *arena = arena_new(SIZE_MAX);
    strbuf_addf(out, ",\"%s64\":\"" STR_FMT "\"", name, STR_ARG(base64_encode(arena, bytes)));
    arena_free(arena);
}

static Status server_flush(FeedTarget *base, Error *err)
{
    ServerTarget *self  = (ServerTarget *)base;
    ClientReply   reply = {0};
    if (self->batch.len == 0)
        return OK;
    strbuf_adds(&self->batch, "]}");
    TRY(client_call(self->client, "POST", "/sluice/records", strbuf_str(&self->batch), &self->reply, &reply,
                    err));
    strbuf_reset(&self->batch);
    if (reply.status == 200)
        return OK;
    Arena *arena   = arena_new(SIZE_MAX);
    Str    message = jtext_field(arena, jtext_parse(strbuf_str(&self->reply)), "message");
    error_set(err, E_IO, NO_POS, "%s answered with status %ld: " STR_FMT, client_url(self->client),
              reply.status, STR_ARG(message.len > 0 ? message : strbuf_str(&self->reply)));
    arena_free(arena);
    return E_IO;
}

static Status server_append(FeedTarget *base, Str topic, const LogRecord *record, Error *err)
{
    ServerTarget *self = (ServerTarget *)base;
    if (self->batch.len == 0)
        begin_batch(self);
    else
        strbuf_addc(&self->batch, ',');
    strbuf_addf(&self->batch, "{\"timestamp\":%lld", (long long)record->timestamp);
    add_bytes(&self->batch, "key", record->key);
    add_bytes(&self->batch, "value", record->value);
    strbuf_addc(&self->batch, '}');
    return self->batch.len >= BATCH_BYTES ? server_flush(base, err) : OK;
}

static void server_close(FeedTarget *base)
{
    ServerTarget *self = (ServerTarget *)base;
    client_free(self->client);
    strbuf_clear(&self->batch);
    strbuf_clear(&self->reply);
    mem_free(self->topic);
    mem_free(self);
}

Status feed_open_server(const char *url, const char *user, const char *token, FeedTarget **out, Error *err)
{
    ServerTarget *self = mem_calloc(1, sizeof *self);
    *self              = (ServerTarget){.base = {server_prepare, server_append, server_flush, server_close}};
    self->auth         = (ClientAuth){.user = user, .token = token, .password = getenv("SLUICE_PASSWORD")};
    self->client       = client_new(&self->auth);
    Status status      = client_set_url(self->client, str_c(url), err);
    if (status == OK)
        *out = &self->base;
    else
        server_close(&self->base);
    return status;
}
