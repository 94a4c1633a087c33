/*
 * http_client.h - requests to whichever of several servers answers, in JSON.
 *
 * Thread: any; requests of several threads run side by side.
 */
#ifndef SLUICE_WEB_HTTP_CLIENT_H
#define SLUICE_WEB_HTTP_CLIENT_H

#include <jansson.h>

#include "core/clock.h"
#include "core/str.h"

typedef struct HttpClient HttpClient;

/* Texts are copied; each but `service` and `urls` may be NULL. */
typedef struct {
    const char *service;                  /* begins messages: "The schema registry" */
    const char *urls;                     /* comma list; a path ("/apis/ccompat/v7") is part of one */
    const char *user, *password;          /* basic authentication */
    const char *token;                    /* bearer authentication, before basic */
    const char *ca_file;                  /* PEM; NULL: the system's */
    const char *cert_file, *key_password; /* PEM of client certificate and key */
    bool        any_host;                 /* the certificate's name need not be the host's */
    const char *media_type;               /* of what is sent; NULL: application/json */
    int         answer_ms;                /* a server gets this long */
    int         patience_ms;              /* no further round over the servers begins after that */
    /* It is asked for many things by many: what is no answer (5xx, 429, 401, 403) is E_WAIT, and after a
     * failure nobody is asked for a while, and then by one question alone until that has its answer.
     * false: such an answer is the caller's, once the rounds are over. */
    bool   rests;
    Clock *clock; /* monotonic time and randomness; borrowed */
} HttpClientOptions;

/* Asks nobody yet. E_CONFIG: an address is none. */
Status http_client_new(const HttpClientOptions *options, HttpClient **out, Error *err);
void   http_client_free(HttpClient *client); /* accepts NULL; nobody is asking */
/* What is under way ends within about a second with E_WAIT, what is asked later at once. Thread: any. */
void http_client_stop(HttpClient *client);

typedef enum { HTTP_GET, HTTP_POST, HTTP_PUT, HTTP_DELETE } HttpMethod;

typedef struct {
    HttpMethod    method;
    Str           path; /* behind the address, escaped */
    const json_t *body; /* borrowed; NULL: none */
    bool          once; /* a server that may have begun with it is not asked again, nor is another */
} HttpQuestion;

typedef struct {
    long    status;
    json_t *json; /* owned by the caller; NULL: the body is no JSON */
} HttpAnswer;

/* Anything that a server answers itself is OK, whatever its status. Servers that do not answer, or answer
 * 5xx or 429, are tried in turn, with pauses that grow; E_WAIT when none has helped, and, for a client that
 * rests, at once for a while after that. *answer is empty unless OK. */
Status http_client_ask(HttpClient *client, const HttpQuestion *question, HttpAnswer *answer, Error *err);
/* Appends the text as a part of a path. */
void http_client_escape(StrBuf *path, Str text);
/* What an error's answer says of itself, {"message": "..."}; NULL: nothing. Borrowed. */
const char *http_answer_message(const json_t *json);

#endif
