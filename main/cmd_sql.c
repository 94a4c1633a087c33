/*
 * cmd_sql.c - `sluice sql`: the shell, and an engine in this process when no server is named.
 *
 * The engine listens on a socket in the state directory, and the shell speaks REST to it like to any other:
 * one way of doing things. It is a socket and no port, for a port is open to every user of the machine.
 */
#include <unistd.h>

#include "core/logger.h"
#include "main/commands.h"
#include "main/help.h"
#include "server/settings/settings.h"
#include "shell/interrupt.h"
#include "shell/shell.h"

typedef struct {
    Node       *node;
    Properties *properties;
    char       *url;  /* where it listens: unix:PATH */
    uint64_t    told; /* warnings that the user has been told of */
} Embedded;

/* unix:STATE/shell/socket; the listener makes the directory and keeps others out of it. */
static void choose_socket(Embedded *embedded, StrBuf *url)
{
    strbuf_addf(url, "unix:" STR_FMT "/shell/socket",
                STR_ARG(properties_get_c(embedded->properties, "state.dir")));
    embedded->url = str_to_heap(strbuf_str(url));
}

/* A file of queries has a catalog of its own (its service id), which is made from the file each time and is
 * in no command log: here it looks as if nothing were there. */
static void tell_of_queries_file(Str state)
{
    StrBuf path = {0};
    strbuf_addf(&path, STR_FMT "/" NODE_PLANS_FILE, STR_ARG(state));
    strbuf_addc(&path, '\0');
    if (access(path.ptr, F_OK) == 0)
        fprintf(stderr,
                "sluice sql: " STR_FMT " is the state of a file of queries (sluice run). Its streams and "
                "tables are not in the catalog of this shell; the topics of its embedded log are (SHOW "
                "TOPICS, PRINT). To read its tables: sqlite3 -init " STR_FMT "/state/open.sql :memory:\n",
                STR_ARG(state), STR_ARG(state));
    strbuf_clear(&path);
}

static Status embedded_start(void *context, const char *directory, StrBuf *url, Error *err)
{
    Embedded *embedded = context;
    sigset_t  before;
    if (directory != NULL)
        properties_set(embedded->properties, STR_LIT("state.dir"), str_c(directory));
    settings_fill(embedded->properties);
    choose_socket(embedded, url);
    NodeOptions how = {
        .properties = embedded->properties, .serve = true, .listener = embedded->url, .log_to_file = true};
    interrupt_block(&before); /* threads of the engine leave the terminal's signals to the shell */
    Status status = node_open(&how, &embedded->node, err);
    interrupt_unblock(&before);
    if (status == OK)
        tell_of_queries_file(properties_get_c(embedded->properties, "state.dir"));
    if (status == E_BUSY)
        error_append(
            err,
            "\nA server runs there: name it by its URL, as in `sluice sql http://localhost:8088`, or a "
            "shell by its socket: `sluice sql " STR_FMT "`",
            STR_ARG(strbuf_str(url)));
    return status;
}

static void embedded_stop(void *context)
{
    Embedded *embedded = context;
    if (embedded->node != NULL)
        (void)unlink(embedded->url +
                     strlen("unix:")); /* what is left is removed by the next that listens there */
    node_close(embedded->node);
    embedded->node = NULL;
}

/* The terminal is the shell's: it says when there is something to read. */
static void embedded_news(void *context, StrBuf *out)
{
    Embedded *embedded = context;
    Str       state    = properties_get_c(embedded->properties, "state.dir");
    StrBuf    last     = {0};
    uint64_t  count = log_count_warnings(&last), fresh = count - embedded->told;
    embedded->told = count;
    if (fresh > 0)
        strbuf_addf(out, "%llu warning%s in " STR_FMT "/" NODE_LOG_FILE ", the last: " STR_FMT,
                    (unsigned long long)fresh, fresh == 1 ? "" : "s", STR_ARG(state),
                    STR_ARG(strbuf_str(&last)));
    strbuf_clear(&last);
}

static void print_help(void) { help_print(help_find("sql"), stdout); }

int cmd_sql(int argc, char **argv)
{
    Embedded    embedded = {.properties = properties_new(NULL)};
    ShellEngine engine   = {&embedded, embedded_start, embedded_news, embedded_stop, print_help};
    int         status   = shell_main(argc, argv, &engine);
    properties_free(embedded.properties);
    mem_free(embedded.url);
    return status;
}
