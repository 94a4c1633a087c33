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

/* Does nobody get in by https without a certificate? */
bool tls_settings_ask_everybody(const Properties *properties);

/* The same names without a prefix are those of Kafka's clients, as in ksqlDB, where these speak TLS. */
bool tls_settings_are_kafkas(const Properties *properties);

#endif
