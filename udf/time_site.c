/*
 * time_site.c - zones and patterns behind the site cache, and which zone the server is in.
 */
#include "udf/time_site.h"

#include <unistd.h>

static Status make_zone(Str id, void **out, Error *err)
{
    Zone *zone;
    TRY(zone_open(id, &zone, err));
    *out = zone;
    return OK;
}

static void release_zone(void *item) { zone_close(item); }

static const SiteKind zone_kind = {make_zone, release_zone};

/* The process's zone by TZ, or by where /etc/localtime points: .../zoneinfo/Europe/Berlin. */
static Status make_system_zone(Str unused, void **out, Error *err)
{
    char        path[256];
    const char *name = getenv("TZ");
    Zone       *zone;
    if (name == NULL) {
        ssize_t len             = readlink("/etc/localtime", path, sizeof path - 1);
        path[len > 0 ? len : 0] = 0;
        const char *found       = strstr(path, "/zoneinfo/");
        name                    = found ? found + strlen("/zoneinfo/") : "";
    }
    if (name[0] == ':')
        name++;
    if (zone_open(str_c(name), &zone, NULL) != OK)
        TRY(zone_open(STR_LIT("UTC"), &zone, err));
    *out = zone;
    return OK;
}

static const SiteKind system_zone_kind = {make_system_zone, release_zone};

static void release_formatter(void *item)
{
    TimeFormatter *formatter = item;
    strbuf_clear(&formatter->text);
    arena_free(formatter->arena);
    mem_free(formatter);
}

static Status make_formatter(Str pattern, void **out, Error *err)
{
    TimeFormatter *formatter = mem_calloc(1, sizeof *formatter);
    formatter->arena         = arena_new(0);
    Str    kept              = str_dup(formatter->arena, pattern);
    Status status            = time_pattern_compile(kept, formatter->arena, &formatter->pattern, err);
    if (status != OK) {
        release_formatter(formatter);
        return status;
    }
    *out = formatter;
    return OK;
}

static const SiteKind formatter_kind = {make_formatter, release_formatter};

Status time_site_zone(const FnCall *call, Str id, Zone **out, Error *err)
{
    void *item;
    TRY(site_get(call, &zone_kind, id, &item, err));
    *out = item;
    return OK;
}

Status time_site_formatter(const FnCall *call, Str pattern, TimeFormatter **out, Error *err)
{
    void *item;
    TRY(site_get(call, &formatter_kind, pattern, &item, err));
    *out = item;
    return OK;
}

Status time_site_server_zone(const FnCall *call, Zone **out, Error *err)
{
    Str   set = call->config ? call->config->get(call->config, STR_LIT("ksql.functions._global_.timezone"))
                             : STR_NULL;
    void *item;
    if (!str_is_null(set))
        return time_site_zone(call, set, out, err);
    TRY(site_get(call, &system_zone_kind, STR_LIT(""), &item, err));
    *out = item;
    return OK;
}
