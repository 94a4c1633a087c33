/* A node's record, and what comes of its address: whatever is taken can be written again, and is then the
 * same. */
#include <assert.h>

#include "server/peers/node_address.h"
#include "server/peers/node_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    NodeRecord record, again;
    Error      err;
    StrBuf     text  = {0};
    Arena     *arena = arena_new(0);
    Str        host;
    int        port;
    if (node_record_read(str_n((const char *)data, size), arena, &record, &err) == OK) {
        node_record_write(&record, &text);
        assert(node_record_read(strbuf_str(&text), arena, &again, &err) == OK);
        assert(str_equal(again.address, record.address) && str_equal(again.token, record.token));
        assert(again.slot_count == record.slot_count);
        node_address_split(record.address, &host, &port);
        node_address_host_port(record.address, arena);
    }
    strbuf_clear(&text);
    arena_free(arena);
    return 0;
}
