/*
 * cmd_test.c - `sluice test --json`: one JSON case a line on standard input, one JSON result a line on standard output, flushed after each.
 */
#include <stdio.h>
#include <stdlib.h>

#include "main/commands.h"
#include "server/test_case.h"

static int usage(void)
{
    fputs("usage: sluice test --json\n\nReads one JSON case a line from standard input and writes one JSON result a line.\n", stderr);
    return 2;
}

int cmd_test(int argc, char **argv)
{
    char   *line = NULL;
    size_t  capacity = 0;
    ssize_t len;
    StrBuf  out = {0};
    if (argc != 2 || strcmp(argv[1], "--json") != 0)
        return usage();
    while ((len = getline(&line, &capacity, stdin)) >= 0) {
        Str text = str_trim(str_n(line, (size_t)len));
        if (text.len == 0)
            continue;
        strbuf_reset(&out);
        test_case_run(text, &out);
        strbuf_addc(&out, '\n');
        if (fwrite(out.ptr, 1, out.len, stdout) != out.len || fflush(stdout) != 0)
            break;
    }
    free(line);
    strbuf_clear(&out);
    return ferror(stdin) || ferror(stdout) ? 1 : 0;
}
