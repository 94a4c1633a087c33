/*
 * json_index.cc - simdjson's structural indexer behind a C interface; the only C++ of this folder.
 *
 * No exception leaves this file: the calls below are noexcept, and allocation uses nothrow new.
 */
#include "serde/json_index.h"

#include <memory>
#include <new>

#include <simdjson.h>

struct JsonIndex {
    std::unique_ptr<simdjson::internal::dom_parser_implementation> parser;
};

extern "C" JsonIndex *json_index_new(void)
{
    JsonIndex *index = new (std::nothrow) JsonIndex;
    if (index == nullptr)
        return nullptr;
    /* Of the kernels in the library, the one that suits this CPU. The depth counts for stage 2, which is not
     * run. */
    auto error =
        simdjson::get_active_implementation()->create_dom_parser_implementation(4096, 1, index->parser);
    if (error) {
        delete index;
        return nullptr;
    }
    return index;
}

extern "C" void json_index_free(JsonIndex *index)
{
    delete index;
}

extern "C" bool json_index_build(JsonIndex *index, const char *text, size_t len, const uint32_t **positions,
                                 size_t *count)
{
    auto &parser = *index->parser;
    if (len == 0 || len > UINT32_MAX / 2)
        return false; /* half: the reader uses the highest bit of a position */
    if (len > parser.capacity() && parser.set_capacity(len + len / 2))
        return false;
    if (parser.stage1(reinterpret_cast<const uint8_t *>(text), len, simdjson::stage1_mode::regular))
        return false;
    *count                            = parser.n_structural_indexes;
    parser.structural_indexes[*count] = static_cast<uint32_t>(len);
    *positions                        = parser.structural_indexes.get();
    return true;
}
