/*
 * native_function.c - see native_function.h: a call, from the server's side of the ABI.
 *
 * A row is handed over as a batch of one: programs run row by row here. The instance belongs to the call site
 * and is opened by its first call. Nothing of a call outlives it, and what an extension hands back is looked
 * at before it is used.
 */
#include "udf/extension/native_function.h"

#include "core/logger.h"
#include "udf/extension/native_values.h"

enum { MOST_PARAMETERS = 100 };

/* What the registry keeps of it. */
typedef struct {
    const sl_scalar *scalar; /* the extension's */
    const char      *name;   /* as it spells it */
    Str              prefix; /* `ksql.functions.<name>.` */
} NativeFunction;

struct sl_call {
    const NativeFunction *function;
    Arena                *arena;
    const FnConfig       *config;
    Error                 error; /* code OK: the extension has said nothing */
};

/* ---- what extensions may ask ---- */

static void *host_alloc(sl_call *call, size_t size)
{
    void *memory = arena_try_alloc(call->arena, size, &call->error);
    if (memory != NULL)
        memset(memory, 0, size);
    return memory;
}

static sl_status host_error(sl_call *call, sl_status status, const char *message)
{
    bool text = message != NULL && utf8_valid(str_c(message));
    error_set(&call->error, E_DATA, NO_POS, "%.1000s",
              text ? message : "it failed with a message that is no text");
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
    if (decimal_parse(call->arena, str_n(text, length), &value, &call->error) != OK ||
        native_values_show(&any, value, call->arena, out, &call->error) != OK)
        return SL_ERR;
    return SL_OK;
}

void native_function_host(sl_host *host)
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
} NativeSite;

static void release_site(void *data)
{
    NativeSite *site = data;
    if (site->close != NULL)
        site->close(site->instance);
    mem_free(site);
}

static Status refuse(const sl_call *call, sl_status status, Error *err)
{
    const char *why = call->error.code != OK      ? call->error.message
                      : status == SL_ERR_NULL_ARG ? "an argument is NULL"
                                                  : "it says no reason";
    return error_set(err, status == SL_ERR_FATAL ? E_FATAL_DATA : E_DATA, NO_POS,
                     "Failed to invoke function %s: %s", call->function->name, why);
}

static Status open_site(const FnCall *call, sl_call *native, Error *err)
{
    const sl_scalar *scalar   = native->function->scalar;
    void            *instance = NULL;
    if (call->site->data != NULL)
        return OK;
    sl_status status = scalar->open != NULL ? scalar->open(native, &instance) : SL_OK;
    if (status != SL_OK)
        return refuse(native, status, err);
    NativeSite *site    = mem_alloc(sizeof *site);
    *site               = (NativeSite){instance, scalar->close};
    call->site->data    = site;
    call->site->release = release_site;
    return OK;
}

static Status native_eval(const FnCall *call, Value *result, Error *err)
{
    const NativeFunction *function = call->self;
    sl_call               native   = {.function = function, .arena = call->arena, .config = call->config};
    slv                   args[MOST_PARAMETERS], out = {.kind = SLV_NULL};
    const slv            *columns[MOST_PARAMETERS];
    uint8_t               failed = 0;
    if (call->count > MOST_PARAMETERS)
        return error_set(err, E_DATA, NO_POS, "Failed to invoke function %s: more than %d arguments",
                         function->name, MOST_PARAMETERS);
    TRY(open_site(call, &native, err));
    for (size_t i = 0; i < call->count; i++) {
        TRY(native_values_show(call->arg_types[i], call->args[i], call->arena, &args[i], err));
        columns[i] = &args[i];
    }
    sl_status status = function->scalar->eval(&native, ((NativeSite *)call->site->data)->instance,
                                              (uint32_t)call->count, columns, 1, &out, &failed);
    if (status != SL_OK || failed)
        return refuse(&native, status != SL_OK ? status : SL_ERR, err);
    Status taken = native_values_take(call->type, &out, call->arena, result, err);
    return taken == OK ? OK : error_prefix(err, "Failed to invoke function %s: ", function->name);
}

/* ---- made ---- */

static Status check_members(const sl_scalar *function, Error *err)
{
    if (function == NULL || function->struct_size < sizeof *function || function->meta == NULL ||
        function->meta->struct_size < sizeof *function->meta || function->meta->name == NULL)
        return error_set(err, E_PLAN, NO_POS,
                         "a function without a name, or with a struct that is too small");
    if (function->eval == NULL || function->result == NULL)
        return error_set(err, E_PLAN, NO_POS, "%s has no eval or no result type", function->meta->name);
    if (function->nparams > MOST_PARAMETERS || (function->nparams > 0 && function->params == NULL))
        return error_set(err, E_PLAN, NO_POS, "%s has more than %d parameters, or none where it says some",
                         function->meta->name, MOST_PARAMETERS);
    for (uint32_t i = 0; i < function->nparams; i++)
        if (function->params[i].type == NULL || strstr(function->params[i].type, "LAMBDA") != NULL)
            return error_set(err, E_PLAN, NO_POS,
                             "%s: parameter %u has no type, or is a LAMBDA, which this version does not pass",
                             function->meta->name, i + 1);
    return OK;
}

static const char *print_signature(const sl_scalar *function, Arena *arena)
{
    StrBuf text = {0};
    strbuf_addc(&text, '(');
    for (uint32_t i = 0; i < function->nparams; i++) {
        const sl_param *param = &function->params[i];
        strbuf_addf(&text, "%s%s%s%s", i > 0 ? ", " : "", param->name ? param->name : "",
                    param->name ? " " : "", param->type);
    }
    strbuf_addf(&text, ") -> %s", function->result);
    const char *copy = str_to_c(arena, strbuf_str(&text));
    strbuf_clear(&text);
    return copy;
}

Status native_function_add(FnAddition *addition, const sl_scalar *function, Error *err)
{
    Arena          *arena = functions_addition_arena(addition);
    NativeFunction *self  = ARENA_NEW(arena, NativeFunction);
    TRY(check_members(function, err));
    char *lower = str_to_c(arena, str_c(function->meta->name));
    for (char *c = lower; *c != '\0'; c++)
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
    *self               = (NativeFunction){function, str_to_c(arena, str_c(function->meta->name)),
                                           str_printf(arena, "ksql.functions.%s.", lower)};
    const sl_meta *meta = function->meta;
    functions_addition_describe(addition, &(FnOrigin){.author      = meta->author,
                                                      .version     = meta->version,
                                                      .category    = meta->category,
                                                      .description = meta->description});
    ScalarFn row = {.name      = self->name,
                    .signature = print_signature(function, arena),
                    .flags     = ((function->flags & SL_DETERMINISTIC) ? 0u : (unsigned)FN_NOT_PURE) |
                             ((function->flags & SL_STRICT) ? (unsigned)FN_NULL_IF_ANY_NULL : 0u) |
                             ((function->flags & SL_NULL_IS_ERROR) ? (unsigned)FN_ERROR_IF_NULL : 0u),
                    .eval = native_eval,
                    .doc  = function->doc ? function->doc : ""};
    return functions_add_scalar(addition, &row, self, err);
}
