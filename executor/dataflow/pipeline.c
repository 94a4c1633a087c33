/*
 * pipeline.c - making the operators of a task, and pushing records through them.
 *
 * All operators are made and connected before the first is opened: a source looks at what is above it, a join
 * at its inputs' stores, which are open by then. Records go through in slices of BATCH_ROWS: the batch arena
 * is reset after each, so a poll of any size costs the same memory.
 */
#include "core/slot_hash.h"
#include "executor/dataflow/task.h"

/* ---- building ---- */

static void report_error(ErrorSink *sink, const Error *err)
{
    Operator *op = ((OpErrors *)sink)->op;
    op_report(op, op->current, err);
}

static const OperatorClass *class_of(const PlanNode *node, bool reads_topic)
{
    return reads_topic ? &op_repartition : operator_class(node);
}

const char *pipeline_operator_name(const PlanNode *node, bool reads_topic)
{
    const OperatorClass *class = class_of(node, reads_topic);
    return class != NULL ? class->name : "";
}

static Status make_operator(Pipeline *pipeline, const PlanNode *node, bool reads_topic, Operator **out,
                            Error *err)
{
    const OperatorClass *class = class_of(node, reads_topic);
    if (class == NULL)
        return error_set(err, E_UNSUPPORTED, NO_POS,
                         "Sluice does not execute the step " STR_FMT " of query " STR_FMT " yet",
                         STR_ARG(node->step), STR_ARG(pipeline->spec.plan->id));
    Operator *op = arena_calloc(pipeline->arena, 1, class->state_size);
    op->class    = class;
    op->node     = node;
    op->pipeline = pipeline;
    op->arena    = pipeline->arena;
    op->watch    = &pipeline->watch;
    op->errors   = (OpErrors){{report_error}, op};
    op->programs = (ProgramContext){
        .clock = pipeline->spec.clock, .config = pipeline->spec.functions_config, .errors = &op->errors.base};
    *out = op;
    return OK;
}

/* What reads a topic here has no inputs here. */
static bool is_input(const Pipeline *pipeline, const PlanNode *node)
{
    for (size_t i = 0; i < pipeline->topology.input_count; i++)
        if (pipeline->topology.inputs[i] == node)
            return true;
    return false;
}

static void connect_inputs(Pipeline *pipeline, Operator *const *made, Operator *op)
{
    const PlanNode *node = op->node;
    for (size_t i = 0; i < node->input_count; i++) {
        Operator *from    = made[node->inputs[i]->number];
        Outlet   *outlets = ARENA_ARRAY(pipeline->arena, Outlet, from->outlet_count + 1);
        size_t    at      = op->class->hears_first ? 0 : from->outlet_count;
        if (at > 0)
            memcpy(outlets, from->outlets, at * sizeof *outlets);
        if (from->outlet_count > at)
            memcpy(outlets + at + 1, from->outlets + at, (from->outlet_count - at) * sizeof *outlets);
        outlets[at]   = (Outlet){op, (int)i};
        from->outlets = outlets;
        from->outlet_count++;
    }
}

static Status open_stores(Pipeline *pipeline, Operator *op, Error *err)
{
    if (op->class == &op_repartition)
        return OK;
    op->stores = ARENA_ARRAY(pipeline->arena, Store *, op->node->store_count + 1);
    for (size_t i = 0; i < op->node->store_count; i++) {
        StoreSpec spec;
        TRY(plan_store_spec(op->node, i, pipeline->arena, &spec, err));
        TRY(store_open(pipeline->spec.state, &spec, pipeline->spec.partition, &op->stores[i], err));
        op->store_count++;
        pipeline->stores[pipeline->store_count++] = (PipelineStore){op, i};
    }
    return OK;
}

static Status open_operator(Pipeline *pipeline, Operator *op, Error *err)
{
    pipeline->operators[pipeline->operator_count++] = op;
    if (is_input(pipeline, op->node))
        pipeline->inputs[pipeline->input_count++] = (InputOperator *)op;
    TRY(open_stores(pipeline, op, err));
    return op->class->open == NULL ? OK : op->class->open(op, err);
}

static size_t count_stores(const SubTopology *sub)
{
    size_t count = 0;
    for (size_t i = 0; i < sub->node_count; i++)
        count += sub->nodes[i]->store_count;
    return count;
}

static Status build(Pipeline *pipeline, Error *err)
{
    const SubTopology *sub  = &pipeline->topology;
    Operator         **made = ARENA_ARRAY(pipeline->arena, Operator *, pipeline->spec.plan->node_count);
    pipeline->operators     = ARENA_ARRAY(pipeline->arena, Operator *, sub->node_count);
    pipeline->inputs        = ARENA_ARRAY(pipeline->arena, InputOperator *, sub->input_count);
    pipeline->stores        = ARENA_ARRAY(pipeline->arena, PipelineStore, count_stores(sub));
    for (size_t i = 0; i < sub->node_count; i++) {
        const PlanNode *node  = sub->nodes[i];
        bool            reads = is_input(pipeline, node) && !node->class->reads_topic;
        TRY(make_operator(pipeline, node, reads, &made[node->number], err));
        if (!is_input(pipeline, node))
            connect_inputs(pipeline, made, made[node->number]);
    }
    for (size_t i = 0; i < sub->node_count; i++)
        TRY(open_operator(pipeline, made[sub->nodes[i]->number], err));
    return OK;
}

static Status pick_topology(Pipeline *pipeline, Error *err)
{
    const PipelineSpec *spec = &pipeline->spec;
    SubTopology        *subs;
    size_t              count;
    if (spec->sub_topology == ALL_DIRECT) {
        pipeline->topology = topology_whole(spec->plan, pipeline->arena);
        return OK;
    }
    topology_cut(spec->plan, pipeline->arena, &subs, &count);
    if (spec->sub_topology < 0 || (size_t)spec->sub_topology >= count)
        return error_set(err, E_NOT_FOUND, NO_POS, "Query " STR_FMT " has no sub-topology %d",
                         STR_ARG(spec->plan->id), spec->sub_topology);
    pipeline->topology = subs[spec->sub_topology];
    return OK;
}

Status pipeline_open(const PipelineSpec *spec, Pipeline **out, Error *err)
{
    Pipeline *pipeline             = mem_calloc(1, sizeof *pipeline);
    pipeline->spec                 = *spec;
    pipeline->arena                = arena_new(0);
    pipeline->batch                = arena_new(0);
    pipeline->peek                 = arena_new(0);
    pipeline->counters.stream_time = INT64_MIN;
    pipeline->flushes              = 1;
    pipeline->watch.clock          = spec->clock;
    Status status                  = pick_topology(pipeline, err);
    if (status == OK)
        status = build(pipeline, err);
    if (status != OK) {
        pipeline_close(pipeline);
        return status;
    }
    *out = pipeline;
    return OK;
}

void pipeline_close(Pipeline *pipeline)
{
    if (pipeline == NULL)
        return;
    for (size_t i = 0; i < pipeline->operator_count; i++)
        if (pipeline->operators[i]->class->close != NULL)
            pipeline->operators[i]->class->close(pipeline->operators[i]);
    for (Resource *r = pipeline->resources; r != NULL; r = r->next) {
        program_close(r->program);
        decoder_close(r->decoder);
        encoder_close(r->encoder);
    }
    for (size_t i = 0; i < pipeline->store_count; i++)
        store_close(pipeline_store(pipeline, i));
    arena_free(pipeline->peek);
    arena_free(pipeline->batch);
    arena_free(pipeline->arena);
    mem_free(pipeline);
}

Operator *pipeline_operator(Pipeline *pipeline, const PlanNode *node)
{
    for (size_t i = 0; i < pipeline->operator_count; i++)
        if (pipeline->operators[i]->node == node)
            return pipeline->operators[i];
    return NULL;
}

/* ---- inputs ---- */

size_t pipeline_input_count(const Pipeline *pipeline) { return pipeline->input_count; }

Str pipeline_input_topic(const Pipeline *pipeline, size_t input) { return pipeline->inputs[input]->topic; }

const PlanNode *pipeline_input_node(const Pipeline *pipeline, size_t input)
{
    return pipeline->inputs[input]->base.node;
}

int64_t pipeline_row_time(Pipeline *pipeline, size_t input, const SourceRows *rows, size_t at)
{
    InputOperator *op   = pipeline->inputs[input];
    int64_t        time = op->time(&op->base, rows, at, pipeline->peek);
    arena_reset(pipeline->peek);
    return time;
}

/* Records came in, of a turn that has ended well. `also_ns`: what was spent on them before it. */
static void note_input(Pipeline *pipeline, InputOperator *op, const LogRecord *records, size_t count,
                       Span span, int64_t also_ns)
{
    OperatorFigures *figures = &op->base.figures;
    pipeline->counters.records_in += count;
    figures->rows_in += count;
    if (!pipeline->watch.running)
        return;
    figures->timed_ns += stopwatch_leave(&pipeline->watch, span) + also_ns;
    figures->timed_rows += count;
    for (size_t i = 0; i < count; i++)
        figures->timed_bytes += records[i].key.len + records[i].value.len;
}

static Span begin_turn(Pipeline *pipeline)
{
    stopwatch_turn(&pipeline->watch);
    return pipeline->watch.running ? stopwatch_enter(&pipeline->watch) : (Span){0, 0};
}

Status pipeline_push(Pipeline *pipeline, size_t input, int partition, const LogRecord *records, size_t count,
                     Error *err)
{
    InputOperator *op = pipeline->inputs[input];
    for (size_t done = 0; done < count;) {
        size_t slice  = count - done < BATCH_ROWS ? count - done : BATCH_ROWS;
        Span   span   = begin_turn(pipeline);
        Status status = op->feed(&op->base, partition, records + done, slice, err);
        arena_reset(pipeline->batch);
        TRY(status);
        note_input(pipeline, op, records + done, slice, span, 0);
        done += slice;
    }
    return OK;
}

bool pipeline_takes_rows(const Pipeline *pipeline, size_t input)
{
    return pipeline->inputs[input]->take != NULL;
}

Status pipeline_push_rows(Pipeline *pipeline, size_t input, const SourceRows *rows, size_t from, size_t count,
                          Error *err)
{
    InputOperator *op     = pipeline->inputs[input];
    Span           span   = begin_turn(pipeline);
    Status         status = op->take(&op->base, rows, from, count, err);
    arena_reset(pipeline->batch);
    TRY(status);
    /* Decoded once for all who read them side by side, it stands in the figures of each. */
    note_input(pipeline, op, rows->records + from, count, span,
               rows->decode_ns * (int64_t)count / (int64_t)(rows->count + (rows->count == 0)));
    return OK;
}

const PipelineCounters *pipeline_counters(const Pipeline *pipeline) { return &pipeline->counters; }

size_t pipeline_operator_count(const Pipeline *pipeline) { return pipeline->operator_count; }

/* What the timed turns say of all. */
static uint64_t of_all(uint64_t timed, const OperatorFigures *figures)
{
    if (figures->timed_rows == 0)
        return 0;
    return (uint64_t)((double)timed * ((double)figures->rows_in / (double)figures->timed_rows));
}

void pipeline_figures(const Pipeline *pipeline, size_t index, uint64_t *out)
{
    const Operator        *op      = pipeline->operators[index];
    const OperatorFigures *figures = &op->figures;
    uint64_t               timed   = figures->timed_ns > 0 ? (uint64_t)figures->timed_ns : 0;
    memset(out, 0, FIGURE_COUNT * sizeof *out);
    out[FIGURE_ROWS_IN]     = figures->rows_in;
    out[FIGURE_ROWS_OUT]    = figures->rows_out;
    out[FIGURE_NANOSECONDS] = of_all(timed, figures) + (uint64_t)figures->flush_ns;
    out[FIGURE_BYTES_IN]    = of_all(figures->timed_bytes, figures);
    out[FIGURE_BYTES_OUT]   = figures->bytes_out;
    for (size_t i = 0; i < op->store_count; i++) {
        StoreFigures store;
        store_figures(op->stores[i], &store);
        out[FIGURE_LOOKUPS] += store.lookups;
        out[FIGURE_CACHE_HITS] += store.lookups - store.file_reads;
        out[FIGURE_STATE_ROWS] += store.rows;
        out[FIGURE_STATE_BYTES] += store.bytes;
    }
}

/* ---- commit ---- */

void pipeline_committed(Pipeline *pipeline) { arena_reset(pipeline->batch); }

void pipeline_rolled_back(Pipeline *pipeline)
{
    arena_reset(pipeline->batch);
    for (size_t i = 0; i < pipeline->operator_count; i++)
        if (pipeline->operators[i]->class->rollback != NULL)
            pipeline->operators[i]->class->rollback(pipeline->operators[i]);
}

/* Which operator that is, also in the next version of the plan (OR REPLACE), where nodes may have other
 * numbers: the n-th of its class. */
static int64_t identity(const Pipeline *pipeline, size_t index)
{
    const OperatorClass *class = pipeline->operators[index]->class;
    uint64_t nth               = 0;
    for (size_t i = 0; i < index; i++)
        nth += pipeline->operators[i]->class == class;
    return (int64_t)(slot_hash(str_c(class->name)) + nth);
}

/* The blob: for each operator with small state its identity, a length, and its bytes. */
void pipeline_save(const Pipeline *pipeline, StrBuf *out)
{
    StrBuf one = {0};
    for (size_t i = 0; i < pipeline->operator_count; i++) {
        const Operator *op = pipeline->operators[i];
        if (op->class->save == NULL)
            continue;
        strbuf_reset(&one);
        op->class->save(op, &one);
        put_int64(out, identity(pipeline, i));
        put_int64(out, (int64_t)one.len);
        strbuf_add(out, strbuf_str(&one));
    }
    strbuf_clear(&one);
}

static Status find_saved(Str saved, int64_t wanted, Str *out, Error *err)
{
    *out = STR_NULL;
    while (saved.len > 0) {
        int64_t whose, len;
        if (!take_int64(&saved, &whose) || !take_int64(&saved, &len) || len < 0 || (uint64_t)len > saved.len)
            return error_set(err, E_DATA, NO_POS, "The saved state of operators is damaged");
        if (whose == wanted)
            *out = str_n(saved.ptr, (size_t)len);
        saved = str_n(saved.ptr + len, saved.len - (size_t)len);
    }
    return OK;
}

Status pipeline_load(Pipeline *pipeline, Str saved, Error *err)
{
    for (size_t i = 0; i < pipeline->operator_count; i++) {
        Operator *op = pipeline->operators[i];
        Str       one;
        if (op->class->load == NULL)
            continue;
        TRY(find_saved(saved, identity(pipeline, i), &one, err));
        TRY(op->class->load(op, one, err));
    }
    return OK;
}
