/* What strangers send to prove who they are, and what an operator's file says: the first byte says which. */
#include "server/access/credentials.h"
#include "server/access/user_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Arena     *arena = arena_new(0);
    UserTable *table;
    Error      err;
    if (size > 0) {
        Str text = str_n((const char *)data + 1, size - 1);
        if (data[0] == 'H') {
            Credentials read = credentials_read(text, arena);
            if (read.kind == CREDENTIALS_PASSWORD && memchr(read.name.ptr, ':', read.name.len) != NULL)
                abort();
        } else if (user_table_parse(text, data[0] == 'T' ? TABLE_TOKENS : TABLE_USERS, "file", &table,
                                    &err) == OK) {
            (void)user_table_find_token(table, text);
            (void)user_table_decoy(table, text);
            user_table_unref(table);
        }
    }
    arena_free(arena);
    return 0;
}
