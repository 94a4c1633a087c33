/*
 * rest_authenticate.c - who asks, before anything is looked at: 401 and 403 are the same for what exists and
 * what does not (rest.md 7).
 */
#include "server/rest/rest.h"

static bool is_socket(const HttpExchange *x) { return str_equal(http_path(x), STR_LIT("/ws/query")); }

/* A browser cannot give a WebSocket a header (rest.md 5.7). Nowhere else is a token taken from an address:
 * those are written into logs. */
static Credentials read_credentials(HttpExchange *x)
{
    Credentials given = credentials_read(http_header(x, "Authorization"), http_arena(x));
    Str         token = http_parameter(x, "access_token");
    if (given.kind == CREDENTIALS_NONE && is_socket(x) && !str_is_null(token))
        return credentials_of_token(token);
    return given;
}

static void challenge(HttpExchange *x, const char *scheme, Str realm)
{
    Str text = str_printf(http_arena(x), "%s realm=\"" STR_FMT "\"", scheme, STR_ARG(realm));
    http_set_header(x, "WWW-Authenticate", str_to_c(http_arena(x), text));
}

static void refuse(const Authentication *authentication, HttpExchange *x)
{
    Str realm = authentication_realm(authentication);
    if (authentication_takes_passwords(authentication))
        challenge(x, "Basic", realm);
    if (authentication_takes_tokens(authentication))
        challenge(x, "Bearer", realm);
    rest_error(x, 401, 40100, "Unauthorized");
}

static Answer ask(Authentication *authentication, HttpExchange *x, const Credentials *credentials,
                  Identity *identity)
{
    Answer answer = authentication_recall(authentication, credentials, http_arena(x), identity);
    if (answer != ANSWER_LATER)
        return answer;
    http_wait_begin(x); /* to check a password is slow by design */
    answer = authentication_verify(authentication, credentials, http_arena(x), identity);
    http_wait_end(x);
    return answer;
}

/* By the setting; names differ in more than their letters' case (user_table.c). */
static bool is_named_admin(const Rest *rest, Str name)
{
    Str list = properties_get_c(rest->properties, "sluice.authorization.admins");
    for (size_t at = 0; name.len > 0 && at < list.len;) {
        const char *mark = memchr(list.ptr + at, ';', list.len - at);
        size_t      end  = mark != NULL ? (size_t)(mark - list.ptr) : list.len;
        if (str_equal_nocase(str_trim(str_n(list.ptr + at, end - at)), name))
            return true;
        at = end + 1;
    }
    return false;
}

void rest_identify(const Rest *rest, const HttpExchange *x, Session *session)
{
    Str roles           = http_roles(x);
    session->restricted = rest->authorizes;
    if (is_named_admin(rest, http_principal(x)))
        roles = STR_LIT("admin"); /* who may do everything needs no other */
    session->identity = (Identity){http_principal(x), str_is_null(roles) ? STR_LIT("") : roles};
}

bool rest_permits(Rest *rest, HttpExchange *x, unsigned privileges)
{
    Session session = {0};
    rest_identify(rest, x, &session);
    if (session_is_admin(&session) ||
        (privileges != 0 && engine_allows(rest->engine, &session, privileges, STR_NULL)))
        return true;
    rest_error(x, 403, 40300, "You are forbidden from using this endpoint.");
    return false;
}

bool rest_is_from_node(Rest *rest, HttpExchange *x)
{
    Str credential = http_header(x, DIRECTORY_HEADER);
    return atomic_load(&rest->ready) && rest->directory != NULL && !str_is_null(credential) &&
           directory_knows(rest->directory, credential);
}

Str rest_authorization(HttpExchange *x)
{
    Str header = http_header(x, "Authorization"), token = http_parameter(x, "access_token");
    if (str_is_null(header) && is_socket(x) && !str_is_null(token))
        return str_printf(http_arena(x), "Bearer " STR_FMT, STR_ARG(token));
    return header;
}

/* What another node hands on shows its client's proof, if that was one that can be shown; what nodes tell
 * each other has none but their own. */
bool rest_authenticate(Rest *rest, HttpExchange *x, Str *claimed)
{
    Authentication *authentication = rest->authentication;
    Identity        identity;
    *claimed = STR_NULL;
    if (authentication == NULL || authentication_skips(authentication, http_path(x)))
        return true;
    Credentials credentials = read_credentials(x);
    *claimed                = credentials.kind == CREDENTIALS_PASSWORD ? credentials.name : STR_NULL;
    if (credentials.kind == CREDENTIALS_NONE && rest_is_from_node(rest, x))
        return true;
    switch (ask(authentication, x, &credentials, &identity)) {
    case ANSWER_ACCEPTED:
        http_set_principal(x, identity.name, identity.roles);
        return true;
    case ANSWER_FORBIDDEN:
        rest_error(x, 403, 40300, "You are forbidden from using this cluster.");
        return false;
    case ANSWER_BUSY:
        http_set_header(x, "Retry-After", "1");
        rest_error(x, 503, 50302, "Too many passwords wait to be checked: try again in a moment");
        return false;
    case ANSWER_REFUSED:
    case ANSWER_LATER: /* it was the second question */
        break;
    }
    refuse(authentication, x);
    return false;
}
