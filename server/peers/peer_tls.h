/*
 * peer_tls.h - how a node shows itself to others whose addresses are https://, and whom it believes: with
 * what its own listeners have (docs/tls.md), for the nodes of a service are each other's clients.
 */
#ifndef SLUICE_SERVER_PEERS_PEER_TLS_H
#define SLUICE_SERVER_PEERS_PEER_TLS_H

#include <curl/curl.h>

#include "server/settings/properties.h"

/* Texts on the heap; NULL: not set. */
typedef struct {
    char *authorities; /* PEM; NULL: the system's */
    char *certificate, *key, *password;
    bool  pkcs12; /* the certificate's file */
} PeerTls;

/* `properties` may be NULL. */
void peer_tls_init(PeerTls *tls, const Properties *properties);
void peer_tls_clear(PeerTls *tls);
void peer_tls_set(const PeerTls *tls, CURL *easy);

#endif
