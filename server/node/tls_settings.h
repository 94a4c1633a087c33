/*
 * tls_settings.h - the `ssl.*` settings, for https listeners.
 */
#ifndef SLUICE_SERVER_NODE_TLS_SETTINGS_H
#define SLUICE_SERVER_NODE_TLS_SETTINGS_H

#include "server/http/http.h"
#include "server/settings/properties.h"

/* Before the addresses of `listeners` are listened on. E_CONFIG: an ssl.* setting that cannot be carried out,
 * or client certificates that nobody would be asked for. */
Status tls_settings_apply(const Properties *properties, Str listeners, HttpServer *http, Error *err);

/* The same for a server that listens: with the files as they are now. */
Status tls_settings_apply_again(const Properties *properties, HttpServer *http, Error *err);
/* A number that changes when one of the files does. */
uint64_t tls_settings_stamp(const Properties *properties);

/* Are clients asked for certificates at all? */
bool tls_settings_ask(const Properties *properties);
/* Does nobody get in by https without a certificate? */
bool tls_settings_ask_everybody(const Properties *properties);

/* The same names without a prefix are those of Kafka's clients, as in ksqlDB, where these speak TLS. */
bool tls_settings_are_kafkas(const Properties *properties);

#endif
