/*
 * registry_http.h - a schema registry behind HTTP, with the interface of Confluent's (v1): serde/registry.h
 * over the network.
 */
#ifndef SLUICE_REGISTRY_REGISTRY_HTTP_H
#define SLUICE_REGISTRY_REGISTRY_HTTP_H

#include "serde/registry.h"
#include "web/http_client.h"

/* Of the options, `urls`, who we are, TLS and the clock are the caller's to say. Asks nobody yet. E_CONFIG:
 * an address is none. */
Status registry_http_open(const HttpClientOptions *options, SchemaRegistry **out, Error *err);

#endif
