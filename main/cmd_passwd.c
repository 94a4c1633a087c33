/*
 * cmd_passwd.c - `sluice passwd`: a line of the file of users, or of tokens, made, replaced or taken away.
 *
 * The file is written anew beside itself and put in its own place, so that a server that looks at it sees the
 * one or the other; comments and other lines stay. What would not be read is not written.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "main/commands.h"
#include "main/help.h"
#include "server/access/password.h"
#include "server/access/user_table.h"
#include "server/node/headless.h"

enum { TOKEN_BYTES = 32 };

typedef struct {
    TableKind   kind;
    bool        remove;
    const char *roles; /* NULL: those it has */
    const char *path, *name;
} Wish;

/* ---- the secret ---- */

/* From a terminal without echo; else the first line of standard input. */
static bool read_line(const char *prompt, char *out, size_t size)
{
    struct termios before, silent;
    bool           terminal = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &before) == 0;
    if (terminal) {
        silent = before;
        silent.c_lflag &= ~(tcflag_t)ECHO;
        fputs(prompt, stderr);
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    }
    bool read = fgets(out, (int)size, stdin) != NULL;
    if (terminal) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        fputc('\n', stderr);
    }
    if (read)
        out[strcspn(out, "\r\n")] = '\0';
    return read;
}

static Status ask_password(StrBuf *hash, Error *err)
{
    char   first[PASSWORD_MOST + 3], second[PASSWORD_MOST + 3];
    Status status = OK;
    if (!read_line("Password: ", first, sizeof first))
        return error_set(err, E_CONFIG, NO_POS, "there is no password on standard input");
    if (isatty(STDIN_FILENO) &&
        (!read_line("Once more: ", second, sizeof second) || strcmp(first, second) != 0))
        status = error_set(err, E_CONFIG, NO_POS, "the two are not the same");
    if (status == OK)
        status = password_hash(str_c(first), hash, err);
    OPENSSL_cleanse(first, sizeof first);
    OPENSSL_cleanse(second, sizeof second);
    return status;
}

static void add_hex(StrBuf *out, const unsigned char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        strbuf_addf(out, "%02x", bytes[i]);
}

/* The token itself is told once, on standard output; the file gets its digest. */
static Status make_token(StrBuf *token, StrBuf *digest_text, Error *err)
{
    unsigned char bytes[TOKEN_BYTES], digest[TOKEN_DIGEST];
    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return error_set(err, E_IO, NO_POS, "there is no randomness to be had");
    add_hex(token, bytes, sizeof bytes);
    token_digest(strbuf_str(token), digest);
    add_hex(digest_text, digest, sizeof digest);
    return OK;
}

/* ---- the file ---- */

/* All lines but those of the name. */
static void copy_others(Str text, Str name, StrBuf *out)
{
    for (size_t at = 0; at < text.len;) {
        const char *newline = memchr(text.ptr + at, '\n', text.len - at);
        size_t      end     = newline != NULL ? (size_t)(newline - text.ptr) : text.len;
        Str         line    = str_n(text.ptr + at, end - at);
        const char *colon   = line.len > 0 ? memchr(line.ptr, ':', line.len) : NULL;
        Str         owner = colon != NULL ? str_trim(str_n(line.ptr, (size_t)(colon - line.ptr))) : STR_NULL;
        bool        comment = str_trim(line).len > 0 && str_trim(line).ptr[0] == '#';
        if (comment || !str_equal_nocase(owner, name)) {
            strbuf_add(out, line);
            strbuf_addc(out, '\n');
        }
        at = end + 1;
    }
}

static Status write_file(const char *path, Str text, Error *err)
{
    struct stat info;
    StrBuf      beside = {0};
    bool        known  = stat(path, &info) == 0;
    strbuf_addf(&beside, "%s.XXXXXX", path);
    strbuf_addc(&beside, '\0');
    int    fd   = mkostemp(beside.ptr, O_CLOEXEC); /* 0600 */
    size_t done = 0;
    bool   good = fd >= 0;
    if (good && known)
        good = fchmod(fd, info.st_mode & 07755) == 0 &&
               (fchown(fd, info.st_uid, info.st_gid) == 0 || errno == EPERM);
    while (good && done < text.len) {
        ssize_t n = write(fd, text.ptr + done, text.len - done);
        good      = n > 0;
        done += good ? (size_t)n : 0;
    }
    good          = good && fsync(fd) == 0 && rename(beside.ptr, path) == 0;
    Status status = good ? OK : error_set(err, E_IO, NO_POS, "cannot write %s: %m", path);
    if (fd >= 0)
        close(fd);
    if (!good && fd >= 0)
        (void)unlink(beside.ptr);
    strbuf_clear(&beside);
    return status;
}

/* The roles of a name that is there already. */
static Str known_roles(const UserTable *table, const char *name)
{
    const UserEntry *entry = user_table_find(table, str_c(name));
    return entry != NULL ? entry->identity.roles : STR_LIT("");
}

static Status edit(const Wish *wish, Str text, const UserTable *before, StrBuf *token, StrBuf *out,
                   Error *err)
{
    StrBuf     secret = {0};
    UserTable *after;
    Status     status = OK;
    if (wish->remove && user_table_find(before, str_c(wish->name)) == NULL)
        return error_set(err, E_NOT_FOUND, NO_POS, "%s has nobody of that name", wish->path);
    copy_others(text, str_c(wish->name), out);
    if (!wish->remove) {
        Str roles = wish->roles != NULL ? str_c(wish->roles) : known_roles(before, wish->name);
        status    = wish->kind == TABLE_USERS ? ask_password(&secret, err) : make_token(token, &secret, err);
        strbuf_addf(out, "%s:" STR_FMT ":" STR_FMT "\n", wish->name, STR_ARG(strbuf_str(&secret)),
                    STR_ARG(roles));
    }
    strbuf_clear(&secret);
    if (status == OK)
        status = user_table_parse(strbuf_str(out), wish->kind, wish->path, &after, err);
    if (status == OK)
        user_table_unref(after);
    return status;
}

static Status run(const Wish *wish, Error *err)
{
    Arena     *arena = arena_new(0);
    Str        text  = STR_LIT("");
    UserTable *before;
    StrBuf     token = {0}, out = {0};
    char      *real   = realpath(wish->path, NULL); /* a link stays one */
    Status     status = access(wish->path, F_OK) == 0 ? file_read(wish->path, arena, &text, err) : OK;
    if (status == OK)
        status = user_table_parse(text, wish->kind, wish->path, &before, err);
    if (status == OK) {
        status = edit(wish, text, before, &token, &out, err);
        user_table_unref(before);
    }
    if (status == OK)
        status = write_file(real != NULL ? real : wish->path, strbuf_str(&out), err);
    if (status == OK && token.len > 0)
        printf(STR_FMT "\n", STR_ARG(strbuf_str(&token)));
    free(real);
    strbuf_clear(&token);
    strbuf_clear(&out);
    arena_free(arena);
    return status;
}

/* ---- options ---- */

static int read_options(int argc, char **argv, Wish *wish)
{
    static const struct option longs[] = {
        {"roles", required_argument, NULL, 'r'},
        {"token", no_argument, NULL, 't'},
        {"delete", no_argument, NULL, 'd'},
        {NULL, 0, NULL, 0},
    };
    int option;
    optind = opterr = 0;
    while ((option = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
        if (option == 'r')
            wish->roles = optarg;
        else if (option == 't')
            wish->kind = TABLE_TOKENS;
        else if (option == 'd')
            wish->remove = true;
        else if (option == ':')
            return command_misused("%s needs a value", argv[optind - 1]);
        else
            return help_refuse_option("passwd", argv[optind - 1]);
    }
    if (argc - optind != 2)
        return command_misused("usage: sluice passwd [--roles ROLE,...] [--token] [--delete] FILE NAME");
    wish->path = argv[optind];
    wish->name = argv[optind + 1];
    if (wish->name[0] == '#' || strchr(wish->name, ':') != NULL || strchr(wish->name, '\n') != NULL)
        return command_misused("a name holds no colon, and does not begin with #");
    return EXIT_OK;
}

int cmd_passwd(int argc, char **argv)
{
    Wish  wish = {.kind = TABLE_USERS};
    Error err;
    int   status = read_options(argc, argv, &wish);
    if (status == EXIT_OK && run(&wish, &err) != OK)
        status = command_failed(&err);
    return status;
}
