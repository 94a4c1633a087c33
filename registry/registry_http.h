/*
 * registry_http.h - a schema registry behind HTTP, with the interface of Confluent's (v1): serde/registry.h
 * over the network.
 */
#ifndef SLUICE_REGISTRY_REGISTRY_HTTP_H
#define SLUICE_REGISTRY_REGISTRY_HTTP_H

#include "core/clock.h"
#include "serde/registry.h"

/* Texts are copied; each but `urls` may be NULL. */
typedef struct {
    const char *urls;            /* comma list; a path (a context, "/apis/ccompat/v7") is part of one */
    const char *user, *password; /* basic authentication */
    const char *token;           /* bearer authentication, before basic */
    const char *ca_file;         /* PEM; NULL: the system's */
    const char *cert_file, *key_password; /* PEM of client certificate and key */
    bool        any_host;                 /* the certificate's name need not be the host's */
    Clock      *clock;                    /* monotonic time and randomness; borrowed */
} RegistryHttpOptions;

/* Asks nobody yet. E_CONFIG: an address is none. */
Status registry_http_open(const RegistryHttpOptions *options, SchemaRegistry **out, Error *err);

#endif
