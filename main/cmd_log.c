/*
 * cmd_log.c - `sluice log check|repair`: the embedded log's file is looked through, or written anew without
 * what is damaged in it.
 *
 * Not while a server runs on it: the file is one process's. Each damage is a line on standard output, and
 * check ends with status 1 if there is one, so that scripts can ask.
 */
#include <sys/stat.h>

#include "log/log.h"
#include "main/commands.h"

static void say(void *context, const char *what) { puts(what); }

/* A state directory stands for the log in it. */
static char *log_path(const char *given)
{
    struct stat info;
    StrBuf      path = {0};
    strbuf_addf(&path, "%s%s", given, stat(given, &info) == 0 && S_ISDIR(info.st_mode) ? "/log.db" : "");
    char *copy = str_to_heap(strbuf_str(&path));
    strbuf_clear(&path);
    return copy;
}

static int check(const char *path)
{
    Error   err;
    int64_t damages;
    if (log_embedded_check(path, say, NULL, &damages, &err) != OK)
        return command_failed(&err);
    printf("%s: %lld damaged\n", path, (long long)damages);
    return damages == 0 ? EXIT_OK : EXIT_FAILED;
}

static int repair(const char *path)
{
    Error err;
    if (log_embedded_repair(path, say, NULL, &err) != OK)
        return command_failed(&err);
    printf("%s is whole now\n", path);
    return EXIT_OK;
}

int cmd_log(int argc, char **argv)
{
    bool checks = argc == 3 && strcmp(argv[1], "check") == 0;
    if (!checks && (argc != 3 || strcmp(argv[1], "repair") != 0))
        return command_misused("usage: sluice log check|repair DIR|FILE");
    char *path   = log_path(argv[2]);
    int   status = checks ? check(path) : repair(path);
    mem_free(path);
    return status;
}
