/*
 * node_record.c - see node_record.h.
 *
 * Whoever may write to the topic is trusted to be of the service, but not to be of this version, or well:
 * what is read here becomes an address that requests are sent to, so nothing that is not one gets through.
 */
#include "server/peers/node_record.h"

#include <jansson.h>

enum { VERSION = 1, MOST_SLOTS = 65536, ADDRESS_MAX = 512 };

/* Letters, digits and what host names, ports and addresses of IPv6 consist of. */
static bool is_of_address(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr(".-_:[]", c) != NULL);
}

bool node_address_is_valid(Str address)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        size_t at = strlen(schemes[i]);
        if (!str_starts_with(address, str_c(schemes[i])) || address.len == at || address.len > ADDRESS_MAX)
            continue;
        while (at < address.len && is_of_address(address.ptr[at]))
            at++;
        return at == address.len;
    }
    return false;
}

void node_record_write(const NodeRecord *record, StrBuf *out)
{
    json_t *slots = json_array();
    for (size_t i = 0; i < record->slot_count; i++)
        json_array_append_new(slots, json_integer(record->slots[i]));
    json_t *json = json_pack("{s:i, s:s%, s:s%, s:o}", "version", VERSION, "address",
                             record->address.len > 0 ? record->address.ptr : "", record->address.len, "token",
                             record->token.ptr, record->token.len, "slots", slots);
    char   *text = json_dumps(json, JSON_COMPACT);
    strbuf_adds(out, text != NULL ? text : "{}");
    free(text); /* jansson's */
    json_decref(json);
}

static Str text_of(const json_t *json, const char *name, Arena *arena)
{
    const json_t *field = json_object_get(json, name);
    return json_is_string(field) ? str_dup(arena, str_n(json_string_value(field), json_string_length(field)))
                                 : STR_NULL;
}

static Status read_slots(const json_t *array, Arena *arena, NodeRecord *out, Error *err)
{
    size_t count = json_array_size(array); /* 0 of what is no array */
    if (!json_is_array(array) || count > MOST_SLOTS)
        return error_set(err, E_DATA, NO_POS, "a node's record has no list of slots");
    out->slots      = ARENA_ARRAY(arena, int, count + 1);
    out->slot_count = count;
    for (size_t i = 0; i < count; i++) {
        const json_t *slot = json_array_get(array, i);
        if (!json_is_integer(slot) || json_integer_value(slot) < 0 || json_integer_value(slot) >= MOST_SLOTS)
            return error_set(err, E_DATA, NO_POS, "a node's record has a slot that is none");
        out->slots[i] = (int)json_integer_value(slot);
    }
    return OK;
}

static Status read_object(const json_t *json, Arena *arena, NodeRecord *out, Error *err)
{
    const json_t *version = json_object_get(json, "version");
    if (!json_is_integer(version))
        return error_set(err, E_DATA, NO_POS, "a node's record does not say its version");
    if (json_integer_value(version) != VERSION)
        return error_set(err, E_UNSUPPORTED, NO_POS, "a node's record is of another version");
    out->address = text_of(json, "address", arena);
    out->token   = text_of(json, "token", arena);
    if (str_is_null(out->address) || (out->address.len > 0 && !node_address_is_valid(out->address)))
        return error_set(err, E_DATA, NO_POS, "a node's record has no address");
    if (str_is_null(out->token) || out->token.len == 0)
        return error_set(err, E_DATA, NO_POS, "a node's record has no token");
    return read_slots(json_object_get(json, "slots"), arena, out, err);
}

Status node_record_read(Str value, Arena *arena, NodeRecord *out, Error *err)
{
    json_error_t error;
    json_t      *json = json_loadb(value.ptr != NULL ? value.ptr : "", value.len, 0, &error);
    *out              = (NodeRecord){0};
    Status status     = json != NULL
                            ? read_object(json, arena, out, err)
                            : error_set(err, E_DATA, NO_POS, "a node's record is no JSON: %s", error.text);
    json_decref(json);
    return status;
}
