/*
 * cmd_test.c - `sluice test`: SQL on declared inputs, no broker and no wall clock.
 *
 * With files: golden files (server/testing/test_file.h), a line for each test, exit status 1 when one failed.
 * With --json: one JSON case a line on standard input, one JSON result a line on standard output, flushed
 * after each. With --reopen or --restore all queries end and begin again between every two records
 * (executor/dataflow/driver.h): what comes out is the same.
 */
#include <stdio.h>
#include <stdlib.h>

#include "main/commands.h"
#include "main/help.h"
#include "server/testing/test_case.h"
#include "server/testing/test_file.h"

static int usage(void)
{
    help_print(help_find("test"), stderr);
    return EXIT_USAGE;
}

static int run_json(DriverRestart restart)
{
    char   *line     = NULL;
    size_t  capacity = 0;
    ssize_t len;
    StrBuf  out = {0};
    while ((len = getline(&line, &capacity, stdin)) >= 0) {
        Str text = str_trim(str_n(line, (size_t)len));
        if (text.len == 0)
            continue;
        strbuf_reset(&out);
        test_case_run(text, restart, &out);
        strbuf_addc(&out, '\n');
        if (fwrite(out.ptr, 1, out.len, stdout) != out.len || fflush(stdout) != 0)
            break;
    }
    free(line);
    strbuf_clear(&out);
    return ferror(stdin) || ferror(stdout) ? 1 : 0;
}

static int run_files(int count, char **paths, DriverRestart restart)
{
    TestTally tally = {0, 0};
    StrBuf    out   = {0};
    for (int i = 0; i < count; i++) {
        strbuf_reset(&out);
        test_file_run(str_c(paths[i]), restart, &tally, &out);
        fwrite(out.ptr, 1, out.len, stdout);
    }
    strbuf_clear(&out);
    printf("%zu passed, %zu failed\n", tally.passed, tally.failed);
    return tally.failed > 0 || fflush(stdout) != 0 ? 1 : 0;
}

int cmd_test(int argc, char **argv)
{
    DriverRestart restart = DRIVER_NO_RESTART;
    bool          json    = false;
    int           first   = 1;
    for (; first < argc && argv[first][0] == '-'; first++) {
        bool reopen = strcmp(argv[first], "--reopen") == 0, restore = strcmp(argv[first], "--restore") == 0;
        if (strcmp(argv[first], "--json") == 0)
            json = true;
        else if ((reopen || restore) && restart == DRIVER_NO_RESTART)
            restart = reopen ? DRIVER_REOPEN : DRIVER_RESTORE;
        else
            return help_refuse_option("test", argv[first]);
    }
    if (json == (first < argc))
        return usage(); /* neither, or both */
    return json ? run_json(restart) : run_files(argc - first, argv + first, restart);
}
