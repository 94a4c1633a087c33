/*
 * fuzz_plan.c - a plan's document of anybody: it is refused, or what is read is written as the same document
 * and its operators can be made and fed, for types and slots are what they say.
 */
#include <stdint.h>
#include <stdlib.h>

#include "executor/dataflow/pipeline.h"
#include "planner/plan_document.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static Status append(PipelineHost *self, const PlanNode *node, Str topic, int partition,
                     const LogRecord *record, Str hash_key, Error *err)
{
    return OK;
}

static Status output(PipelineHost *self, const PlanNode *node, const Row *row, Error *err) { return OK; }

static void skip(PipelineHost *self, const SkipInfo *info) {}

/* A few records into every input; whatever fails, fails with an error. */
static void feed(Pipeline *pipeline)
{
    static const LogRecord records[] = {
        {.offset    = 0,
         .timestamp = 1,
         .key       = STR_LIT("x"),
         .value     = STR_LIT("{\"ID\":\"x\",\"V\":1,\"W\":2}")},
        {.offset    = 1,
         .timestamp = 2,
         .key       = STR_LIT("\0\0\0\1"),
         .value     = STR_LIT("{\"A\":{\"CITY\":\"a,b\"}}")},
        {.offset = 2, .timestamp = 3, .key = STR_LIT("x"), .value = {NULL, 0}},
    };
    Error ignored;
    for (size_t i = 0; i < pipeline_input_count(pipeline); i++)
        if (pipeline_push(pipeline, i, 0, records, ARRAY_LEN(records), &ignored) != OK)
            return;
    if (pipeline_flush(pipeline, &ignored) == OK)
        pipeline_committed(pipeline);
}

static void run(const QueryPlan *plan)
{
    static Clock clock;
    PipelineHost host = {.append = append, .output = output, .skip = skip};
    StateFile   *file;
    Pipeline    *pipeline;
    Error        err;
    clock_init_virtual(&clock, 0, 1);
    if (state_file_open(NULL, &file, &err) != OK)
        abort();
    PipelineSpec spec = {.plan         = plan,
                         .sub_topology = ALL_DIRECT,
                         .state        = file,
                         .host         = &host,
                         .clock        = &clock,
                         .service_id   = STR_LIT("fuzz_")};
    if (pipeline_open(&spec, &pipeline, &err) == OK) {
        feed(pipeline);
        pipeline_close(pipeline);
    }
    state_file_close(file);
}

static char *write_plan(const QueryPlan *plan)
{
    json_t *json = plan_to_json(plan);
    char   *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    return text;
}

static const QueryPlan *read_again(const char *text, const Functions *functions, Arena *arena)
{
    const DocNode *json;
    QueryPlan     *plan;
    Error          err;
    if (doc_parse(str_dup(arena, str_c(text)), arena, &json, &err) != OK ||
        plan_from_json(json, functions, arena, &plan, &err) != OK)
        abort();
    return plan;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static Functions *functions;
    QueryPlan        *plan;
    Source           *source;
    Error             err;
    if (functions == NULL)
        functions = functions_open();
    Arena         *arena = arena_new(0);
    const DocNode *json;
    if (doc_parse(str_n((const char *)data, size), arena, &json, &err) == OK) {
        if (plan_from_json(json, functions, arena, &plan, &err) == OK) {
            char *first  = write_plan(plan);
            char *second = write_plan(read_again(first, functions, arena));
            if (strcmp(first, second) != 0)
                abort();
            free(first);
            free(second);
            run(plan);
        }
        if (source_from_json(json, arena, &source, &err) == OK)
            json_decref(source_to_json(source));
    }
    arena_free(arena);
    return 0;
}
