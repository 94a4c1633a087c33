/*
 * user_table.c - see user_table.h.
 */
#include "server/access/user_table.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "server/access/password.h"

enum { MOST_NAME = 255 };

struct UserTable {
    atomic_int refs;
    Arena     *arena;
    UserEntry *entries;
    size_t     count;
};

typedef struct {
    UserTable  *table;
    TableKind   kind;
    const char *path;
    size_t      line;
} Reader;

static Status refuse(const Reader *reader, const char *what, Error *err)
{
    return error_set(err, E_CONFIG, NO_POS, "%s line %zu: %s", reader->path, reader->line, what);
}

/* ---- the parts of a line ---- */

static Status read_name(const Reader *reader, Str text, Str *out, Error *err)
{
    if (text.len == 0 || text.len > MOST_NAME || !utf8_valid(text))
        return refuse(reader, "a name has 1 to 255 bytes of UTF-8", err);
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
            return refuse(reader, "a name holds no control characters", err);
    *out = str_dup(reader->table->arena, text);
    return OK;
}

static bool is_of_role(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.' || c == '@';
}

static Status read_roles(const Reader *reader, Str text, Str *out, Error *err)
{
    StrBuf roles  = {0};
    Status status = OK;
    for (size_t at = 0; at < text.len && status == OK;) {
        const char *comma = memchr(text.ptr + at, ',', text.len - at);
        size_t      end   = comma != NULL ? (size_t)(comma - text.ptr) : text.len;
        Str         role  = str_trim(str_n(text.ptr + at, end - at));
        bool        good  = role.len > 0 && role.len <= MOST_NAME && (comma == NULL || end + 1 < text.len);
        for (size_t i = 0; i < role.len && good; i++)
            good = is_of_role(role.ptr[i]);
        if (!good)
            status =
                refuse(reader, "roles are names of letters, digits, _ - . and @ with commas between", err);
        strbuf_addf(&roles, "%s" STR_FMT, roles.len > 0 ? "," : "", STR_ARG(role));
        at = end + 1;
    }
    *out = str_dup(reader->table->arena, strbuf_str(&roles));
    strbuf_clear(&roles);
    return status;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static Status read_digest(const Reader *reader, Str text, unsigned char out[TOKEN_DIGEST], Error *err)
{
    bool good = text.len == 2 * (size_t)TOKEN_DIGEST;
    for (size_t i = 0; i < TOKEN_DIGEST && good; i++) {
        int high = hex_digit(text.ptr[2 * i]), low = hex_digit(text.ptr[2 * i + 1]);
        good   = high >= 0 && low >= 0;
        out[i] = good ? (unsigned char)(high * 16 + low) : 0;
    }
    return good ? OK : refuse(reader, "a token stands as its SHA-256, 64 hexadecimal digits", err);
}

static Status read_hash(const Reader *reader, Str text, const char **out, Error *err)
{
    const char *fault = password_hash_fault(text);
    char        message[200];
    if (fault == NULL) {
        *out = str_to_c(reader->table->arena, text);
        return OK;
    }
    snprintf(message, sizeof message, "%s; `sluice passwd` makes a line, and mkpasswd or htpasswd -B a hash",
             fault);
    return refuse(reader, message, err);
}

/* ---- lines ---- */

/* What is behind the name: secret, and roles behind `between`. */
static void split_secret(Str rest, char between, Str *secret, Str *roles)
{
    const char *mark = rest.len > 0 ? memchr(rest.ptr, between, rest.len) : NULL;
    size_t      end  = mark != NULL ? (size_t)(mark - rest.ptr) : rest.len;
    *secret          = str_trim(str_n(rest.ptr, end));
    *roles           = mark != NULL ? str_trim(str_n(mark + 1, rest.len - end - 1)) : STR_LIT("");
}

static Status read_line(Reader *reader, Str line, Error *err)
{
    UserEntry  *entry  = &reader->table->entries[reader->table->count];
    Str         jetty  = STR_LIT("CRYPT:"), secret, roles;
    const char *colon  = memchr(line.ptr, ':', line.len);
    size_t      before = colon != NULL ? (size_t)(colon - line.ptr) : 0;
    if (colon == NULL)
        return refuse(reader, "it is no name:secret:roles", err);
    Str rest = str_trim(str_n(colon + 1, line.len - before - 1));
    if (reader->kind == TABLE_USERS && str_starts_with(rest, jetty))
        split_secret(str_n(rest.ptr + jetty.len, rest.len - jetty.len), ',', &secret, &roles);
    else
        split_secret(rest, ':', &secret, &roles);
    entry->line = reader->line;
    TRY(read_name(reader, str_trim(str_n(line.ptr, before)), &entry->identity.name, err));
    TRY(read_roles(reader, roles, &entry->identity.roles, err));
    TRY(reader->kind == TABLE_USERS ? read_hash(reader, secret, &entry->hash, err)
                                    : read_digest(reader, secret, entry->digest, err));
    reader->table->count++;
    return OK;
}

static size_t count_lines(Str text)
{
    size_t lines = 1;
    for (size_t i = 0; i < text.len; i++)
        lines += text.ptr[i] == '\n';
    return lines;
}

static Status read_lines(Reader *reader, Str text, Error *err)
{
    reader->table->entries = mem_calloc(count_lines(text), sizeof *reader->table->entries);
    for (size_t at = 0; at < text.len;) {
        const char *newline = memchr(text.ptr + at, '\n', text.len - at);
        size_t      end     = newline != NULL ? (size_t)(newline - text.ptr) : text.len;
        Str         line    = str_trim(str_n(text.ptr + at, end - at));
        reader->line++;
        if (line.len > 0 && line.ptr[0] != '#')
            TRY(read_line(reader, line, err));
        at = end + 1;
    }
    return OK;
}

/* ---- names ---- */

static int compare_names(const void *a, const void *b)
{
    const UserEntry *const *x = a, *const *y = b;
    Str                     p = (*x)->identity.name, q = (*y)->identity.name;
    size_t                  n = p.len < q.len ? p.len : q.len;
    for (size_t i = 0; i < n; i++) {
        int c = (unsigned char)p.ptr[i], d = (unsigned char)q.ptr[i];
        c = c >= 'A' && c <= 'Z' ? c + 32 : c;
        d = d >= 'A' && d <= 'Z' ? d + 32 : d;
        if (c != d)
            return c - d;
    }
    return p.len < q.len ? -1 : p.len > q.len;
}

/* GRANT takes letters of either case for the same, so a file must, too. */
static Status check_names(Reader *reader, Error *err)
{
    size_t            count  = reader->table->count;
    const UserEntry **sorted = mem_calloc(count + 1, sizeof *sorted);
    Status            status = OK;
    for (size_t i = 0; i < count; i++)
        sorted[i] = &reader->table->entries[i];
    qsort(sorted, count, sizeof *sorted, compare_names);
    for (size_t i = 1; i < count && status == OK; i++)
        if (compare_names(&sorted[i - 1], &sorted[i]) == 0) {
            size_t a = sorted[i - 1]->line, b = sorted[i]->line;
            reader->line = a > b ? a : b;
            status       = refuse(reader, "the name is there already", err);
        }
    mem_free(sorted);
    return status;
}

/* ---- all ---- */

Status user_table_parse(Str text, TableKind kind, const char *path, UserTable **out, Error *err)
{
    UserTable *table  = mem_calloc(1, sizeof *table);
    Reader     reader = {.table = table, .kind = kind, .path = path};
    table->arena      = arena_new(0);
    atomic_init(&table->refs, 1);
    Status status = read_lines(&reader, text, err);
    if (status == OK)
        status = check_names(&reader, err);
    if (status == OK)
        *out = table;
    else
        user_table_unref(table);
    return status;
}

UserTable *user_table_ref(UserTable *table)
{
    atomic_fetch_add(&table->refs, 1);
    return table;
}

void user_table_unref(UserTable *table)
{
    if (table == NULL || atomic_fetch_sub(&table->refs, 1) != 1)
        return;
    arena_free(table->arena);
    mem_free(table->entries);
    mem_free(table);
}

size_t user_table_count(const UserTable *table) { return table->count; }

const UserEntry *user_table_find(const UserTable *table, Str name)
{
    for (size_t i = 0; i < table->count; i++)
        if (str_equal(table->entries[i].identity.name, name))
            return &table->entries[i];
    return NULL;
}

const UserEntry *user_table_decoy(const UserTable *table, Str name)
{
    return table->count > 0 ? &table->entries[str_hash(name) % table->count] : NULL;
}

void token_digest(Str token, unsigned char digest[TOKEN_DIGEST])
{
    unsigned size = TOKEN_DIGEST;
    if (EVP_Digest(token.ptr, token.len, digest, &size, EVP_sha256(), NULL) != 1)
        memset(digest, 0, TOKEN_DIGEST); /* nobody's: SHA-256 of no text is known to be zeros */
}

const UserEntry *user_table_find_token(const UserTable *table, Str token)
{
    unsigned char    digest[TOKEN_DIGEST];
    const UserEntry *found = NULL;
    token_digest(token, digest);
    for (size_t i = 0; i < table->count; i++)
        if (CRYPTO_memcmp(table->entries[i].digest, digest, TOKEN_DIGEST) == 0)
            found = &table->entries[i];
    return found;
}
