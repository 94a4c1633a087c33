/*
 * connect_settings.c - see connect_settings.h. The settings have ksqlDB's names; certificates are PEM, not
 * Java's.
 *
 * A client is made for each statement: statements about connectors are rare, and credentials that are to be
 * read again (`reload`) are read then, without anybody being told of a new client.
 */
#include "server/connect/connect_settings.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct ConnectSettings {
    Arena            *arena;
    HttpClientOptions options; /* texts in the arena */
    const char       *file;    /* of credentials; NULL: none are given */
    bool              reload;
};

enum { CREDENTIALS_MOST = 64 * 1024 };

/* NULL: not set, or empty. */
static const char *setting(const Properties *properties, const char *name, Arena *arena)
{
    Str value = properties_get_c(properties, name);
    return str_is_null(value) || value.len == 0 ? NULL : str_to_c(arena, value);
}

/* ---- credentials ---- */

static Status read_file(const char *path, StrBuf *out, Error *err)
{
    char   part[4096];
    size_t count;
    FILE  *file = fopen(path, "rb");
    if (file == NULL)
        return error_set(err, E_IO, NO_POS, "the credentials for Kafka Connect, %s, cannot be read: %s", path,
                         strerror(errno));
    while (out->len < CREDENTIALS_MOST && (count = fread(part, 1, sizeof part, file)) > 0)
        strbuf_add(out, str_n(part, count));
    bool failed = ferror(file) != 0;
    fclose(file);
    if (failed)
        return error_set(err, E_IO, NO_POS, "the credentials for Kafka Connect, %s, cannot be read", path);
    return OK;
}

/* A file of Java properties: username=..., password=... */
static Status read_credentials(const char *path, Arena *arena, HttpClientOptions *out, Error *err)
{
    StrBuf      text   = {0};
    Properties *found  = properties_new(NULL);
    Status      status = read_file(path, &text, err);
    if (status == OK)
        status = properties_parse(found, strbuf_str(&text), err);
    if (status == OK) {
        out->user     = setting(found, "username", arena);
        out->password = setting(found, "password", arena);
        if (out->user == NULL || out->password == NULL)
            status = error_set(err, E_CONFIG, NO_POS,
                               "the credentials for Kafka Connect, %s, need a username and a password", path);
    }
    properties_free(found);
    strbuf_clear(&text);
    return status;
}

static Status find_credentials(const Properties *properties, ConnectSettings *self, Error *err)
{
    Str  source = properties_get_c(properties, "ksql.connect.basic.auth.credentials.source");
    bool used   = !str_is_null(source) && str_equal_nocase(source, STR_LIT("FILE"));
    if (!used)
        return OK;
    self->file   = setting(properties, "ksql.connect.basic.auth.credentials.file", self->arena);
    self->reload = properties_is_true(properties, "ksql.connect.basic.auth.credentials.reload", false);
    if (self->file == NULL)
        return error_set(err, E_CONFIG, NO_POS,
                         "Invalid value FILE for configuration "
                         "ksql.connect.basic.auth.credentials.source: "
                         "ksql.connect.basic.auth.credentials.file names no file");
    if (read_credentials(self->file, self->arena, &self->options, err) == OK)
        return OK;
    error_prefix(err, "Invalid value for configuration ksql.connect.basic.auth.credentials.file: ");
    return E_CONFIG;
}

/* ---- all ---- */

static Status read_settings(const Properties *properties, Clock *clock, ConnectSettings *self, Error *err)
{
    Str         names    = properties_get_c(properties, "ksql.connect.ssl.endpoint.identification.algorithm");
    int         patience = (int)properties_int(properties, "ksql.connect.request.timeout.ms", 5000);
    HttpClient *probe;
    self->options = (HttpClientOptions){
        .service      = "Kafka Connect",
        .urls         = setting(properties, "ksql.connect.url", self->arena),
        .ca_file      = setting(properties, "ksql.connect.ssl.truststore.location", self->arena),
        .cert_file    = setting(properties, "ksql.connect.ssl.keystore.location", self->arena),
        .key_password = setting(properties, "ksql.connect.ssl.key.password", self->arena),
        .any_host     = !str_is_null(names) && names.len == 0,
        .answer_ms    = patience,
        .patience_ms  = patience,
        .clock        = clock,
    };
    TRY(find_credentials(properties, self, err));
    if (http_client_new(&self->options, &probe, err) != OK) {
        error_prefix(err, "Invalid value for configuration ksql.connect.url: ");
        return E_CONFIG;
    }
    http_client_free(probe);
    return OK;
}

Status connect_settings_open(const Properties *properties, Clock *clock, ConnectSettings **out, Error *err)
{
    Arena *arena = arena_new(0);
    *out         = NULL;
    if (setting(properties, "ksql.connect.url", arena) == NULL) {
        arena_free(arena);
        return OK;
    }
    ConnectSettings *self = ARENA_NEW(arena, ConnectSettings);
    self->arena           = arena;
    Status status         = read_settings(properties, clock, self, err);
    if (status == OK)
        *out = self;
    else
        connect_settings_free(self);
    return status;
}

void connect_settings_free(ConnectSettings *settings)
{
    if (settings != NULL)
        arena_free(settings->arena); /* it is in there itself */
}

Status connect_settings_client(const ConnectSettings *settings, HttpClient **out, Error *err)
{
    HttpClientOptions options = settings->options;
    Arena            *arena   = arena_new(0);
    Status            status  = OK;
    if (settings->reload)
        status = read_credentials(settings->file, arena, &options, err);
    if (status == OK)
        status = http_client_new(&options, out, err);
    else if (err != NULL)
        err->code = status = E_IO;
    arena_free(arena);
    return status;
}
