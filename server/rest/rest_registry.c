/*
 * rest_registry.c - the embedded schema registry's paths, on the server's own listener: what is asked goes to
 * registry_api.h, in Confluent's media type.
 */
#include "core/privilege.h"
#include "registry/registry_api.h"
#include "server/rest/rest.h"

static Str parameter(void *context, const char *name) { return http_parameter(context, name); }

static void refuse_absent(HttpExchange *x)
{
    static const char told[] =
        "HTTP 404 Not Found: this server keeps no schema registry of its own. It uses the one "
        "that ksql.schema.registry.url names, if any; on Kafka, "
        "sluice.schema.registry.embedded=true switches one on";
    http_respond(x, 404, REGISTRY_MEDIA_TYPE, registry_api_error(http_arena(x), 404, told));
}

/* Schemas tell what streams there are; who registers one decides what others may write. */
static unsigned needed(Str method)
{
    if (str_equal(method, STR_LIT("GET")) || str_equal(method, STR_LIT("HEAD")))
        return PRIVILEGE_DESCRIBE;
    return str_equal(method, STR_LIT("POST")) ? PRIVILEGE_CREATE : 0;
}

bool rest_may_use_registry(Rest *rest, HttpExchange *x)
{
    return rest->registry == NULL || rest_permits(rest, x, needed(http_method(x)));
}

void rest_registry(Rest *rest, HttpExchange *x)
{
    RegistryRequest request = {.method    = http_method(x),
                               .path      = http_sent_path(x),
                               .body      = http_body(x),
                               .arena     = http_arena(x),
                               .parameter = parameter,
                               .context   = x};
    RegistryReply   reply;
    if (rest->registry == NULL) {
        refuse_absent(x);
        return;
    }
    registry_api_answer(rest->registry, &request, &reply);
    if (reply.allow != NULL)
        http_set_header(x, "Allow", reply.allow);
    http_respond(x, reply.status, REGISTRY_MEDIA_TYPE, reply.body);
}
