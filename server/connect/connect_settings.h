/*
 * connect_settings.h - where Kafka Connect is and as whom it is asked: the settings ksql.connect.*.
 */
#ifndef SLUICE_SERVER_CONNECT_CONNECT_SETTINGS_H
#define SLUICE_SERVER_CONNECT_CONNECT_SETTINGS_H

#include "server/settings/properties.h"
#include "web/http_client.h"

typedef struct ConnectSettings ConnectSettings;

/* *out NULL: no ksql.connect.url. Asks nobody, so a Connect that is away keeps no server from starting.
 * E_CONFIG: an address that is none, a file of credentials that cannot be read or holds none. The caller
 * frees it (connect_settings_free, accepts NULL). */
Status connect_settings_open(const Properties *properties, Clock *clock, ConnectSettings **out, Error *err);
void   connect_settings_free(ConnectSettings *settings);

/* A client for one statement; the caller frees it. With ...credentials.reload the file is read now: E_IO when
 * that fails. Thread: any. */
Status connect_settings_client(const ConnectSettings *settings, HttpClient **out, Error *err);

#endif
