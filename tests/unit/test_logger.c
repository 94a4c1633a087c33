/*
 * test_logger.c - a loop that logs without end fills no disk.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/logger.h"

static void lines_without_end_are_cut_off(void **state)
{
    char        path[] = "/tmp/sluice-logger-XXXXXX", text[64];
    struct stat info;
    Error       err;
    StrBuf      last = {0};
    int         fd   = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(log_to_file(path, &err), OK);
    for (int i = 0; i < 100000; i++)
        log_line(LOG_WARN, "the same trouble, number %d", i);
    assert_int_equal(stat(path, &info), 0);
    assert_in_range(info.st_size, 30000, 200000);
    assert_int_equal(log_count_warnings(&last), 100000); /* they are counted all the same */
    assert_true(str_equal(strbuf_str(&last), STR_LIT("the same trouble, number 99999")));
    usleep(250000); /* there is room for another line, and the gap is told */
    log_line(LOG_INFO, "something else");
    log_to_stderr();
    FILE *file = fopen(path, "r");
    bool  told = false, said = false;
    assert_non_null(file);
    while (fgets(text, sizeof text, file) != NULL) {
        told |= strstr(text, "lines were left out") != NULL;
        said |= strstr(text, "something else") != NULL;
    }
    fclose(file);
    unlink(path);
    strbuf_clear(&last);
    assert_true(told && said);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(lines_without_end_are_cut_off)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
