/*
 * connect_client.c - see connect_client.h.
 *
 * What Connect answers is a stranger's: a document that is of another shape than its interface says is told
 * so, never taken half. What passes through to our clients is checked for its shape only where we read it.
 */
#include "server/connect/connect_client.h"

#include <string.h>

/* ---- one question ---- */

static Status no_sense(Str path, Error *err)
{
    return error_set(err, E_IO, NO_POS, "Kafka Connect's answer to " STR_FMT " makes no sense",
                     STR_ARG(path));
}

/* Its own words, where it has some. */
static Status refused(Str path, const HttpAnswer *answer, Error *err)
{
    const char *message = http_answer_message(answer->json);
    Status      meaning = answer->status == 404   ? E_NOT_FOUND
                          : answer->status == 409 ? E_EXISTS
                          : answer->status == 401 || answer->status == 403 || answer->status >= 500 ? E_IO
                                                                                                    : E_PLAN;
    if (message != NULL && meaning != E_IO)
        return error_set(err, meaning, NO_POS, "%s", message);
    return error_set(err, meaning, NO_POS, "Kafka Connect answers " STR_FMT " with status %ld%s%s",
                     STR_ARG(path), answer->status, message != NULL ? ": " : "",
                     message != NULL ? message : "");
}

/* *out is of that type; NULL `out`: the answer has no document, or none that matters. */
static Status ask(HttpClient *client, const HttpQuestion *question, json_type type, json_t **out, Error *err)
{
    HttpAnswer answer;
    TRY(http_client_ask(client, question, &answer, err));
    Status status = OK;
    if (answer.status >= 400)
        status = refused(question->path, &answer, err);
    else if (answer.status < 200 || answer.status >= 300)
        status = no_sense(question->path, err);
    else if (out != NULL && (answer.json == NULL || json_typeof(answer.json) != type))
        status = no_sense(question->path, err);
    if (status == OK && out != NULL)
        *out = answer.json;
    else
        json_decref(answer.json);
    return status;
}

/* GET /connectors[/NAME[/tail]] */
static Status ask_of(HttpClient *client, HttpMethod method, Str connector, const char *tail, json_type type,
                     json_t **out, Error *err)
{
    StrBuf path = {0};
    strbuf_adds(&path, "/connectors/");
    http_client_escape(&path, connector);
    strbuf_adds(&path, tail);
    HttpQuestion question = {method, strbuf_str(&path), NULL, false};
    Status       status   = ask(client, &question, type, out, err);
    strbuf_clear(&path);
    return status;
}

/* ---- questions ---- */

static bool are_texts(const json_t *array)
{
    for (size_t i = 0; i < json_array_size(array); i++)
        if (!json_is_string(json_array_get(array, i)))
            return false;
    return json_is_array(array);
}

Status connect_names(HttpClient *client, json_t **out, Error *err)
{
    HttpQuestion question = {HTTP_GET, STR_LIT("/connectors"), NULL, false};
    TRY(ask(client, &question, JSON_ARRAY, out, err));
    if (are_texts(*out))
        return OK;
    json_decref(*out);
    return no_sense(question.path, err);
}

Status connect_info(HttpClient *client, Str connector, json_t **out, Error *err)
{
    return ask_of(client, HTTP_GET, connector, "", JSON_OBJECT, out, err);
}

Status connect_state(HttpClient *client, Str connector, json_t **out, Error *err)
{
    return ask_of(client, HTTP_GET, connector, "/status", JSON_OBJECT, out, err);
}

/* {"NAME": {"topics": [...]}} */
Status connect_topics(HttpClient *client, Str connector, json_t **out, Error *err)
{
    json_t *answer;
    TRY(ask_of(client, HTTP_GET, connector, "/topics", JSON_OBJECT, &answer, err));
    json_t *topics = json_object_get(json_object_iter_value(json_object_iter(answer)), "topics");
    Status  status = are_texts(topics) ? OK : no_sense(STR_LIT("a connector's topics"), err);
    if (status == OK)
        *out = json_incref(topics);
    json_decref(answer);
    return status;
}

Status connect_plugins(HttpClient *client, json_t **out, Error *err)
{
    HttpQuestion question = {HTTP_GET, STR_LIT("/connector-plugins"), NULL, false};
    return ask(client, &question, JSON_ARRAY, out, err);
}

/* Appends "name - one mistake. another" for a setting that has any. */
static void add_mistakes(StrBuf *out, const json_t *value)
{
    const json_t *errors = json_object_get(value, "errors");
    const char   *name   = json_string_value(json_object_get(value, "name"));
    for (size_t i = 0; i < json_array_size(errors); i++) {
        const char *one = json_string_value(json_array_get(errors, i));
        if (one == NULL)
            continue;
        if (i == 0)
            strbuf_addf(out, "%s%s - %s", out->len > 0 ? "\n" : "", name != NULL ? name : "?", one);
        else
            strbuf_addf(out, ". %s", one);
    }
}

Status connect_validate(HttpClient *client, Str class_name, const json_t *config, Error *err)
{
    StrBuf  path = {0}, mistakes = {0};
    json_t *answer;
    strbuf_adds(&path, "/connector-plugins/");
    http_client_escape(&path, class_name);
    strbuf_adds(&path, "/config/validate");
    HttpQuestion question = {HTTP_PUT, strbuf_str(&path), config, false};
    Status       status   = ask(client, &question, JSON_OBJECT, &answer, err);
    if (status == OK) {
        const json_t *configs = json_object_get(answer, "configs");
        for (size_t i = 0; i < json_array_size(configs); i++)
            add_mistakes(&mistakes, json_object_get(json_array_get(configs, i), "value"));
        if (mistakes.len > 0)
            status = error_set(err, E_PLAN, NO_POS, STR_FMT, STR_ARG(strbuf_str(&mistakes)));
        json_decref(answer);
    }
    strbuf_clear(&path);
    strbuf_clear(&mistakes);
    return status == E_NOT_FOUND ? OK : status; /* it checks when it creates, then */
}

Status connect_create(HttpClient *client, Str connector, const json_t *config, json_t **out, Error *err)
{
    json_t      *body     = json_pack("{s:s%, s:O}", "name", connector.ptr, connector.len, "config", config);
    HttpQuestion question = {HTTP_POST, STR_LIT("/connectors"), body, true};
    if (body == NULL)
        return error_set(err, E_PLAN, NO_POS, "The connector's name or a property is not valid UTF-8");
    Status status = ask(client, &question, JSON_OBJECT, out, err);
    json_decref(body);
    return status;
}

Status connect_delete(HttpClient *client, Str connector, Error *err)
{
    return ask_of(client, HTTP_DELETE, connector, "", JSON_OBJECT, NULL, err);
}
