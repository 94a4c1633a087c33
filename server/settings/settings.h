/*
 * settings.h - every setting that Sluice knows: a row each in settings.def, those that a query keeps in
 * planner/query_settings.def.
 *
 * A bad value is refused, and so is a setting of security that has no effect and a name that is nearly one of
 * ours: who wrote it relies on it. Another unknown name, and a setting that nothing reads, is warned about.
 * Names may come with `ksql.streams.` or without; librdkafka properties pass through.
 */
#ifndef SLUICE_SERVER_SETTINGS_SETTINGS_H
#define SLUICE_SERVER_SETTINGS_SETTINGS_H

#include "planner/query_settings.h"
#include "server/settings/properties.h"

/* SECRET: a text that is never shown again. */
typedef enum { SETTING_TEXT, SETTING_INT, SETTING_BOOL, SETTING_CHOICE, SETTING_SECRET } SettingKind;
/* Where its value is taken from: the server's alone, the client's over the server's for each statement, or
 * what was kept when the query was made. */
typedef enum { SCOPE_SERVER, SCOPE_SESSION, SCOPE_QUERY } SettingScope;

typedef struct {
    const char  *name; /* as ksqlDB writes it */
    SettingScope scope;
    SettingKind  kind;
    const char  *initial;  /* default as text; NULL: none */
    const char  *limits;   /* CHOICE: "earliest|latest"; INT: "0..9"; BOOL: the one value that is built */
    bool         editable; /* by SET and streamsProperties */
    const char  *reader;   /* the file that reads it; "": none, and doc says why */
    const char  *doc;
} Setting;

const Setting *settings_all(size_t *count);
const Setting *settings_find(Str name); /* NULL: unknown */
/* A value for a known setting: E_CONFIG "Invalid value x for configuration name: ...". Unknown names pass. */
Status settings_check(Str name, Str value, Error *err);
/* E_CONFIG "One or more properties overrides ... are prohibited ...: [name]": what belongs to the server, and
 * what its lists of overrides (`server`: its properties, or a session's over them) do not leave to clients.
 */
Status settings_check_permitted(const Properties *server, Str name, Error *err);
/* An override by SET: permitted, and "Unknown property: p" for names that are neither settings nor client
 * properties. */
Status settings_check_override(const Properties *server, Str name, Str value, Error *err);
/* Appends "Did you mean X?" for a name that is no setting, if a setting's is near. */
void settings_suggest(Str name, Error *err);
/* All of a server's properties, at its start. E_CONFIG: a bad value, a slip of the pen, security that would
 * have no effect. What is unknown or without effect is warned about in the log. */
Status settings_check_all(const Properties *properties, Error *err);
/* Fills in defaults that are not set. */
void settings_fill(Properties *properties);
/* True for names that go to librdkafka as they are. */
bool settings_is_client_property(Str name);

/* What a query made now is told: `effective` is a session's overrides over the server's properties. Values
 * were checked when they were set; one that is none (in a command of old) counts as not said. */
void settings_of_query(const Properties *effective, QuerySettings *out);

#endif
