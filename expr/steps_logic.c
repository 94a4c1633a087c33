/*
 * steps_logic.c - AND, OR, NOT, CASE, IS NULL, IN: what decides and what jumps.
 *
 * AND, OR and NOT know no third truth value: a NULL operand that is reached is an evaluation error
 * (sql.md 3.3). IN compares by deep structural equality, where a NULL matches nothing; NOT IN of a NULL is
 * therefore true.
 */
#include "expr/program.h"

const Step *step_copy(const Step *s, Program *p) { return step_give(s, p, step_a(s, p)); }

const Step *step_jump(const Step *s, Program *p) { return s + s->jump; }

/* The left side: FALSE decides an AND. */
const Step *step_and(const Step *s, Program *p)
{
    Value a = step_a(s, p);
    if (value_is_null(a))
        return step_fail_null(s, p, "AND");
    p->registers[s->out] = value_from_bool(value_bool(a));
    return value_bool(a) ? s + 1 : s + s->jump;
}

const Step *step_or(const Step *s, Program *p)
{
    Value a = step_a(s, p);
    if (value_is_null(a))
        return step_fail_null(s, p, "OR");
    p->registers[s->out] = value_from_bool(value_bool(a));
    return value_bool(a) ? s + s->jump : s + 1;
}

/* The right side of both: its value is the result. */
const Step *step_truth(const Step *s, Program *p)
{
    Value a = step_a(s, p);
    return value_is_null(a) ? step_fail_null(s, p, "AND or OR")
                            : step_give(s, p, value_from_bool(value_bool(a)));
}

const Step *step_not(const Step *s, Program *p)
{
    Value a = step_a(s, p);
    return value_is_null(a) ? step_fail_null(s, p, "NOT") : step_give(s, p, value_from_bool(!value_bool(a)));
}

/* WHEN: on to the next branch unless it is true. */
const Step *step_when(const Step *s, Program *p)
{
    Value a = step_a(s, p);
    if (value_is_null(a))
        return step_fail_null(s, p, "WHEN");
    return value_bool(a) ? s + 1 : s + s->jump;
}

const Step *step_is_null(const Step *s, Program *p)
{
    return step_give(s, p, value_from_bool(value_is_null(step_a(s, p))));
}

const Step *step_is_not_null(const Step *s, Program *p)
{
    return step_give(s, p, value_from_bool(!value_is_null(step_a(s, p))));
}

const Step *step_in(const Step *s, Program *p)
{
    const OperandList *list  = s->aux;
    Value              value = step_a(s, p);
    bool               found = false;
    for (size_t i = 0; !value_is_null(value) && !found && i < list->count; i++) {
        Value item = operand_value(list->items[i], p);
        found      = !value_is_null(item) && value_equal(list->type, value, item);
    }
    return step_give(s, p, value_from_bool(found != (s->param != 0)));
}
