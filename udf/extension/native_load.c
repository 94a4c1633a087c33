/*
 * native_load.c - see native_load.h.
 *
 * A library is trusted like the server, so its file must belong to whoever runs the server, or to root, and
 * nobody else may write it. Its descriptor is data and is read before any of its code runs - but for its
 * constructors, which dlopen runs. A library's functions come all or none when its init fails; one that
 * cannot be added by itself is left out.
 */
#include "udf/extension/native_load.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/logger.h"
#include "udf/extension/native_call.h"
#include "udf/extension/native_function.h"

struct Extensions {
    sl_host              host; /* what all of them are given */
    const sl_extension **loaded;
    size_t               count;
};

struct sl_reg {
    FnAddition *addition;
    const char *file;
};

static sl_status added(const sl_reg *registration, Status status, const Error *err)
{
    if (status == OK)
        return SL_OK;
    log_line(LOG_ERROR, "extension %s: a function is left out: %s", registration->file, err->message);
    return SL_ERR;
}

static sl_status add_scalar(sl_reg *registration, const sl_scalar *function)
{
    Error err;
    return added(registration, native_scalar_add(registration->addition, function, &err), &err);
}

static sl_status add_table(sl_reg *registration, const sl_scalar *function)
{
    Error err;
    return added(registration, native_table_add(registration->addition, function, &err), &err);
}

static sl_status add_aggregate(sl_reg *registration, const sl_aggregate *function)
{
    Error err;
    return added(registration, native_aggregate_add(registration->addition, function, &err), &err);
}

/* The reason why it cannot be loaded, or NULL. */
static const char *check_file(const char *path)
{
    struct stat info;
    if (lstat(path, &info) != 0)
        return strerror(errno);
    if (!S_ISREG(info.st_mode))
        return "it is no regular file";
    if (info.st_uid != 0 && info.st_uid != geteuid())
        return "it belongs neither to root nor to the server's user";
    if (info.st_mode & (S_IWGRP | S_IWOTH))
        return "others than its owner may write it";
    return NULL;
}

static const char *check_descriptor(const sl_extension *extension)
{
    if (extension == NULL)
        return "it has no symbol sluice_extension";
    if (extension->magic != SLUICE_EXT_MAGIC)
        return "its sluice_extension is no descriptor";
    if (extension->abi_major != SLUICE_ABI_MAJOR)
        return "it is made for another major version of the interface";
    if (extension->abi_minor > SLUICE_ABI_MINOR)
        return "it is made for a later version of the interface";
    if (extension->struct_size < sizeof *extension || extension->init == NULL)
        return "its descriptor is too small or has no init";
    return NULL;
}

static bool load(Extensions *extensions, Functions *functions, const char *path, const char *file)
{
    const char *why    = check_file(path);
    void       *handle = why == NULL ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    if (why == NULL && handle == NULL)
        why = dlerror();
    const sl_extension *extension = handle != NULL ? dlsym(handle, "sluice_extension") : NULL;
    if (why == NULL)
        why = check_descriptor(extension);
    if (why != NULL) {
        log_line(LOG_WARN, "extension %s is left out: %s", file, why);
        if (handle != NULL)
            dlclose(handle); /* none of its functions is known */
        return false;
    }
    const FnOrigin origin       = {.path = file, .version = extension->version};
    sl_reg         registration = {functions_begin(functions, &origin), file};
    if (extension->init(&extensions->host, &registration) != SL_OK) {
        functions_abandon(registration.addition);
        log_line(LOG_WARN, "extension %s is left out: its init failed", file);
        return false;
    }
    functions_commit(registration.addition);
    log_line(LOG_INFO, "extension %s: %s %s", file, extension->name ? extension->name : "",
             extension->version ? extension->version : "");
    extensions->loaded[extensions->count++] = extension;
    return true;
}

static int is_library(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return length > 3 && strcmp(entry->d_name + length - 3, ".so") == 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

Extensions *extensions_load(Functions *functions, const char *directory)
{
    Extensions     *extensions = mem_calloc(1, sizeof *extensions);
    struct dirent **entries    = NULL;
    int             count      = scandir(directory, &entries, is_library, by_bytes);
    native_call_host(&extensions->host);
    extensions->host.add_scalar    = add_scalar;
    extensions->host.add_table     = add_table;
    extensions->host.add_aggregate = add_aggregate;
    if (count < 0)
        log_line(LOG_WARN, "no extensions are loaded: %s: %s", directory, strerror(errno));
    extensions->loaded = mem_calloc((size_t)(count > 0 ? count : 1), sizeof *extensions->loaded);
    for (int i = 0; i < count; i++) {
        StrBuf path = {0};
        strbuf_addf(&path, "%s/%s", directory, entries[i]->d_name);
        char *text = str_to_heap(strbuf_str(&path));
        load(extensions, functions, text, entries[i]->d_name);
        mem_free(text);
        strbuf_clear(&path);
        free(entries[i]);
    }
    free(entries);
    return extensions;
}

size_t extensions_count(const Extensions *extensions) { return extensions->count; }

void extensions_close(Extensions *extensions)
{
    if (extensions == NULL)
        return;
    for (size_t i = 0; i < extensions->count; i++)
        if (extensions->loaded[i]->fini != NULL)
            extensions->loaded[i]->fini();
    mem_free(extensions->loaded);
    mem_free(extensions);
}
