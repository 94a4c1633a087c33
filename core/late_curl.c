/*
 * late_curl.c - libcurl comes when it is first called.
 *
 * Few servers ever ask a schema registry or another server for anything, yet libcurl and the 25 libraries
 * that it brings (LDAP, Kerberos, SSH, RTMP) would cost each of them 1.5 MB of memory and the dynamic
 * linker's time at every start. So the program is not linked with it: the functions that it calls are defined
 * here under libcurl's own names, a row each in late_curl.def, and hand over to those of the library, which
 * is opened at the first call. Callers include <curl/curl.h> and nothing else; one that needs another
 * function adds its row.
 *
 * If the library is not there, the log says so once, what makes a handle answers NULL, and everything else
 * the code that libcurl has for a handle that is none.
 */
#include "core/logger.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>

/* The header has macros of these names, which check types and call the function. */
#undef curl_easy_setopt
#undef curl_easy_getinfo

#define SONAME "libcurl.so.4" /* since 2006 */

/* Nobody else's calls may end here: those of libcurl itself, once it is open, are to find its own functions.
 */
#define LATE __attribute__((visibility("hidden")))

static struct {
#define FUNCTION(result, name, parameters, arguments, otherwise) result(*name) parameters;
#include "core/late_curl.def"
#undef FUNCTION
    CURLcode (*easy_setopt)(CURL *, CURLoption, ...);
    CURLcode (*easy_getinfo)(CURL *, CURLINFO, ...);
} lib;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool           there;

/* place: of a pointer to a function, as POSIX has it for dlsym */
static bool find(void *handle, const char *name, void *place)
{
    void *symbol = dlsym(handle, name);
    if (symbol != NULL)
        *(void **)place = symbol;
    else
        log_line(LOG_ERROR, "HTTP to other servers is not possible: %s", dlerror());
    return symbol != NULL;
}

static void open_library(void)
{
    void *handle = dlopen(SONAME, RTLD_NOW | RTLD_LOCAL); /* as long as the process lives */
    if (handle == NULL) {
        log_line(LOG_ERROR, "HTTP to other servers is not possible: %s", dlerror());
        return;
    }
    there = find(handle, "curl_easy_setopt", &lib.easy_setopt) &&
            find(handle, "curl_easy_getinfo", &lib.easy_getinfo)
#define FUNCTION(result, name, parameters, arguments, otherwise) &&find(handle, "curl_" #name, &lib.name)
#include "core/late_curl.def"
#undef FUNCTION
        ;
}

static bool have(void)
{
    pthread_once(&once, open_library);
    return there;
}

#define FUNCTION(result, name, parameters, arguments, otherwise)                                             \
    LATE result curl_##name parameters { return have() ? lib.name arguments : otherwise; }
#include "core/late_curl.def"
#undef FUNCTION

/* An option's value is a long, a pointer or a curl_off_t: one register each on machines of 64 bits. */
_Static_assert(sizeof(long) == sizeof(void *) && sizeof(curl_off_t) == sizeof(void *),
               "options have one size");

LATE CURLcode curl_easy_setopt(CURL *easy, CURLoption option, ...)
{
    va_list list;
    va_start(list, option);
    void *value = va_arg(list, void *);
    va_end(list);
    return have() ? lib.easy_setopt(easy, option, value) : CURLE_FAILED_INIT;
}

LATE CURLcode curl_easy_getinfo(CURL *easy, CURLINFO info, ...)
{
    va_list list;
    va_start(list, info);
    void *place = va_arg(list, void *);
    va_end(list);
    return have() ? lib.easy_getinfo(easy, info, place) : CURLE_FAILED_INIT;
}
