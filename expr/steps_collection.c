/*
 * steps_collection.c - [] and ->, and the constructors ARRAY[], MAP(), STRUCT() (sql.md 3.8).
 *
 * Arrays count from 1, negative indexes from the end; what is not there is NULL. A NULL base gives NULL.
 * Values are immutable, so an element is handed out as it stands in its container.
 */
#include "expr/program.h"

const Step *step_array_item(const Step *s, Program *p)
{
    Value base = step_a(s, p), index = step_b(s, p);
    if (value_is_null(base))
        return step_give(s, p, value_null());
    if (value_is_null(index))
        return step_fail_null(s, p, "[]");
    int64_t at = (int32_t)index.as.i64; /* BIGINT indexes are narrowed */
    at         = at < 0 ? (int64_t)base.len + at : at - 1;
    if (index.as.i64 == 0 || at < 0 || at >= (int64_t)base.len)
        return step_give(s, p, value_null());
    return step_give(s, p, value_items(base)[at]);
}

/* aux: the type of the keys. A NULL key is a key like another (NULL equals NULL here). */
const Step *step_map_item(const Step *s, Program *p)
{
    Value           base = step_a(s, p), key = step_b(s, p);
    const MapEntry *entries = value_entries(base);
    for (uint32_t i = 0; !value_is_null(base) && i < base.len; i++)
        if (value_equal(s->aux, entries[i].key, key))
            return step_give(s, p, entries[i].value);
    return step_give(s, p, value_null());
}

const Step *step_map_item_text(const Step *s, Program *p)
{
    Value base = step_a(s, p), key = step_b(s, p);
    if (value_is_null(base))
        return step_give(s, p, value_null());
    const MapEntry *entries  = value_entries(base);
    bool            key_null = value_is_null(key);
    Str             wanted   = key_null ? STR_NULL : value_str(key);
    for (uint32_t i = 0; i < base.len; i++) {
        bool null = value_is_null(entries[i].key);
        if (null == key_null && (null || str_equal(value_str(entries[i].key), wanted)))
            return step_give(s, p, entries[i].value);
    }
    return step_give(s, p, value_null());
}

const Step *step_field(const Step *s, Program *p)
{
    Value base = step_a(s, p);
    return step_give(s, p, value_is_null(base) ? base : value_items(base)[s->param]);
}

/* ARRAY and STRUCT: both are an array of Values. */
const Step *step_array(const Step *s, Program *p)
{
    const OperandList *list  = s->aux;
    Value             *items = ARENA_ARRAY(p->arena, Value, list->count + 1);
    for (size_t i = 0; i < list->count; i++)
        items[i] = operand_value(list->items[i], p);
    return step_give(s, p, value_array(items, list->count));
}

/* MAP: of equal keys the last value wins, in the first one's place. */
const Step *step_map(const Step *s, Program *p)
{
    const OperandList *list    = s->aux;
    MapEntry          *entries = ARENA_ARRAY(p->arena, MapEntry, list->count / 2 + 1);
    size_t             count   = 0;
    for (size_t i = 0; i + 1 < list->count; i += 2) {
        Value  key = operand_value(list->items[i], p);
        size_t at  = 0;
        while (at < count && !value_equal(list->type, entries[at].key, key))
            at++;
        entries[at] = (MapEntry){key, operand_value(list->items[i + 1], p)};
        count += at == count;
    }
    return step_give(s, p, value_map(entries, count));
}
