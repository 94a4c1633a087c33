/*
 * settings.h - every setting that Sluice knows: name, kind, default, who may change it. Rows are in
 * settings.def.
 *
 * An unknown name is warned about, a bad value refused (DESIGN). Names may come with `ksql.streams.`;
 * librdkafka properties pass through.
 */
#ifndef SLUICE_SERVER_SETTINGS_SETTINGS_H
#define SLUICE_SERVER_SETTINGS_SETTINGS_H

#include "server/settings/properties.h"

typedef enum { SETTING_TEXT, SETTING_INT, SETTING_BOOL, SETTING_CHOICE } SettingKind;

typedef struct {
    const char *name; /* canonical */
    SettingKind kind;
    const char *initial;  /* default as text; NULL: none */
    const char *choices;  /* CHOICE: "earliest|latest"; INT: the least value, NULL: 0 */
    bool        editable; /* by SET and streamsProperties */
    const char *doc;
} Setting;

const Setting *settings_all(size_t *count);
const Setting *settings_find(Str name); /* NULL: unknown */
/* A value for a known setting: E_CONFIG "Invalid value x for configuration name: ...". Unknown names pass. */
Status settings_check(Str name, Str value, Error *err);
/* E_CONFIG "One or more properties overrides ... are prohibited ...: [name]": what belongs to the server, and
 * what its lists of overrides
 * (`server`: its properties, or a session's over them) do not leave to clients. */
Status settings_check_permitted(const Properties *server, Str name, Error *err);
/* An override by SET: permitted, and "Unknown property: p" for names that are neither settings nor client
 * properties. */
Status settings_check_override(const Properties *server, Str name, Str value, Error *err);
/* Appends "Did you mean X?" for a name that is no setting, if a setting's is near. */
void settings_suggest(Str name, Error *err);
/* All of a server's properties; unknown names are warned about in the log. */
Status settings_check_all(const Properties *properties, Error *err);
/* Fills in defaults that are not set. */
void settings_fill(Properties *properties);
/* True for names that go to librdkafka as they are. */
bool settings_is_client_property(Str name);

#endif
