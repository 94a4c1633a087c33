/*
 * native_call.c - see native_call.h.
 *
 * The instance belongs to the call site and is opened by its first call. Nothing of a call outlives it, and
 * what an extension hands back is looked at before it is used.
 */
#include "udf/extension/native_call.h"

#include "core/logger.h"
#include "udf/extension/native_values.h"

/* ---- what extensions may ask ---- */

static void *host_alloc(sl_call *call, size_t size)
{
    void *memory = arena_try_alloc(call->arena, size, call->err);
    if (memory != NULL)
        memset(memory, 0, size);
    else
        call->said = true;
    return memory;
}

static sl_status host_error(sl_call *call, sl_status status, const char *message)
{
    bool text = message != NULL && utf8_valid(str_c(message));
    error_set(call->err, E_DATA, NO_POS, "%.1000s",
              text ? message : "it failed with a message that is no text");
    call->said = true;
    return status;
}

static const char *host_config(sl_call *call, const char *full_key)
{
    Str key   = str_c(full_key);
    Str value = STR_NULL;
    if (call->config == NULL || !(str_starts_with(key, call->function->prefix) ||
                                  str_starts_with(key, STR_LIT("ksql.functions._global_."))))
        return NULL;
    value = call->config->get(call->config, key);
    return str_is_null(value) ? NULL : str_to_c(call->arena, value);
}

static void host_log(sl_call *call, int level, const char *message)
{
    LogLevel levels[] = {LOG_ERROR, LOG_WARN, LOG_INFO};
    log_line(levels[level < 0 || level > 2 ? 2 : level], "function %s: %.1000s", call->function->name,
             message);
}

static bool host_decimal_to_text(sl_call *call, const slv *value, char *text, size_t size)
{
    if (value->kind != SLV_DECIMAL || value->len == 0)
        return false;
    StrBuf digits = {0};
    decimal_print(decimal_from_bytes(call->arena, str_n((const char *)value->u.p, value->len), value->scale),
                  &digits);
    Str  is   = strbuf_str(&digits);
    bool fits = is.len < size;
    if (fits) {
        memcpy(text, is.ptr, is.len);
        text[is.len] = '\0';
    }
    strbuf_clear(&digits);
    return fits;
}

static sl_status host_decimal_from_text(sl_call *call, const char *text, size_t length, slv *out)
{
    Value         value;
    const SqlType any = {.kind = T_DECIMAL};
    if (decimal_parse(call->arena, str_n(text, length), &value, call->err) == OK &&
        native_values_show(&any, value, call->arena, out, call->err) == OK)
        return SL_OK;
    call->said = true;
    return SL_ERR;
}

void native_call_host(sl_host *host)
{
    *host = (sl_host){.struct_size       = sizeof *host,
                      .abi_major         = SLUICE_ABI_MAJOR,
                      .abi_minor         = SLUICE_ABI_MINOR,
                      .alloc             = host_alloc,
                      .error             = host_error,
                      .config            = host_config,
                      .log               = host_log,
                      .decimal_to_text   = host_decimal_to_text,
                      .decimal_from_text = host_decimal_from_text};
}

/* ---- one call ---- */

/* What the call site keeps. */
typedef struct {
    void *instance;
    void (*close)(void *instance);
    Arena *arena; /* NULL: nobody has asked for it */
} NativeSite;

static void release_site(void *data)
{
    NativeSite *site = data;
    if (site->close != NULL)
        site->close(site->instance);
    arena_free(site->arena);
    mem_free(site);
}

Arena *native_call_memory(FnSite *site)
{
    NativeSite *data = site->data;
    if (data->arena == NULL)
        data->arena = arena_new(0);
    arena_reset(data->arena);
    return data->arena;
}

Status native_call_refuse(const sl_call *call, sl_status status)
{
    if (!call->said)
        error_set(call->err, E_DATA, NO_POS, "%s",
                  status == SL_ERR_NULL_ARG ? "an argument is NULL" : "it says no reason");
    error_prefix(call->err, "Failed to invoke function %s: ", call->function->name);
    return call->err->code = status == SL_ERR_FATAL ? E_FATAL_DATA : E_DATA;
}

Status native_call_open(FnSite *site, sl_call *call, void **instance)
{
    const NativeFunction *function = call->function;
    void                 *opened   = NULL;
    if (site->data == NULL) {
        sl_status status = function->open != NULL ? function->open(call, &opened) : SL_OK;
        if (status != SL_OK)
            return native_call_refuse(call, status);
        NativeSite *made = mem_alloc(sizeof *made);
        *made            = (NativeSite){.instance = opened, .close = function->close};
        site->data       = made;
        site->release    = release_site;
    }
    *instance = ((NativeSite *)site->data)->instance;
    return OK;
}

Status native_call_take(const sl_call *call, const SqlType *type, const slv *given, Value *out)
{
    Status status = native_values_take(type, given, call->arena, out, call->err);
    return status == OK ? OK
                        : error_prefix(call->err, "Failed to invoke function %s: ", call->function->name);
}

/* ---- made ---- */

Status native_shape_check(const NativeShape *shape, Error *err)
{
    const sl_meta *meta = shape->meta;
    if (meta == NULL || meta->struct_size < sizeof *meta || meta->name == NULL)
        return error_set(err, E_PLAN, NO_POS,
                         "a function without a name, or with a struct that is too small");
    if (shape->result == NULL)
        return error_set(err, E_PLAN, NO_POS, "%s has no result type", meta->name);
    if (shape->nparams > NATIVE_MOST_PARAMETERS || (shape->nparams > 0 && shape->params == NULL))
        return error_set(err, E_PLAN, NO_POS, "%s has more than %d parameters, or none where it says some",
                         meta->name, NATIVE_MOST_PARAMETERS);
    for (uint32_t i = 0; i < shape->nparams; i++)
        if (shape->params[i].type == NULL || strstr(shape->params[i].type, "LAMBDA") != NULL)
            return error_set(err, E_PLAN, NO_POS,
                             "%s: parameter %u has no type, or is a LAMBDA, which this version does not pass",
                             meta->name, i + 1);
    return OK;
}

void native_shape_describe(FnAddition *addition, const NativeShape *shape)
{
    functions_addition_describe(addition, &(FnOrigin){.author      = shape->meta->author,
                                                      .version     = shape->meta->version,
                                                      .category    = shape->meta->category,
                                                      .description = shape->meta->description});
}

const char *native_shape_signature(const NativeShape *shape, Arena *arena)
{
    StrBuf text = {0};
    strbuf_addc(&text, '(');
    for (uint32_t i = 0; i < shape->nparams; i++) {
        const sl_param *param = &shape->params[i];
        strbuf_addf(&text, "%s%s%s%s", i > 0 ? ", " : "", param->name ? param->name : "",
                    param->name ? " " : "", param->type);
    }
    strbuf_addf(&text, ") -> %s", shape->result);
    const char *copy = str_to_c(arena, strbuf_str(&text));
    strbuf_clear(&text);
    return copy;
}

NativeFunction native_shape_function(const NativeShape *shape, Arena *arena)
{
    char *lower = str_to_c(arena, str_c(shape->meta->name));
    for (char *c = lower; *c != '\0'; c++)
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
    return (NativeFunction){.name   = str_to_c(arena, str_c(shape->meta->name)),
                            .prefix = str_printf(arena, "ksql.functions.%s.", lower)};
}
