/*
 * bench_load.c - many clients at once: idle push queries held open, keyed pull queries, inserts; what they
 * wait, what fails, and whether the server's memory grows.
 *
 * Usage: bench_load PORT PID [name=value ...], see `options`. bench_load.sh starts a server for it.
 *
 * One thread with epoll, so the client takes a small part of a core. A client that is paced sends when its
 * time has come and measures from that time on, even if it could not send: a server that stalls is not
 * excused by a client that waits (rate 0: as fast as answers come). Every answer is looked at: its status,
 * and that a pull query found its row. HTTP/1.1 over the loopback, one connection a client.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/str.h"

typedef enum { PUSH, PULL, INSERT, KINDS } Kind;

static const char *const kind_names[] = {"push", "pull", "insert"};

typedef struct {
    int    fd;
    Kind   kind;
    bool   waiting; /* for an answer */
    double due_us, from_us, sent_us;
    StrBuf in;
} Client;

typedef struct {
    int32_t *us; /* of each answer */
    size_t   count, capacity, errors;
    char     first_error[300];
} Tally;

typedef struct {
    int64_t push, pull, insert, pull_rate, insert_rate, seconds, keys;
} Options;

typedef struct {
    Options  options;
    int      port, epoll;
    pid_t    pid;
    Client  *clients;
    size_t   count;
    Tally    tallies[KINDS];
    uint64_t random;
} Load;

static double now_us(void)
{
    Clock *clock = clock_system();
    return (double)clock->monotonic_us(clock);
}

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "bench_load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t next_random(Load *load)
{
    load->random ^= load->random << 13;
    load->random ^= load->random >> 7;
    return load->random ^= load->random << 17;
}

/* ---- HTTP ---- */

static int connect_to(int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int                on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
        die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static void send_request(int fd, const char *path, Str body)
{
    StrBuf text = {0};
    strbuf_addf(&text, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", path, body.len);
    strbuf_add(&text, body);
    for (size_t at = 0; at < text.len;) {
        ssize_t sent = write(fd, text.ptr + at, text.len - at);
        if (sent < 0 && errno != EINTR && errno != EAGAIN)
            die("write");
        at += sent > 0 ? (size_t)sent : 0;
    }
    strbuf_clear(&text);
}

/* Where the chunks that begin at `at` end; 0: more is to come. */
static size_t chunks_end(Str in, size_t at)
{
    for (;;) {
        const char *line = memchr(in.ptr + at, '\n', in.len - at);
        if (line == NULL)
            return 0;
        size_t len  = strtoul(in.ptr + at, NULL, 16);
        size_t next = (size_t)(line - in.ptr) + 1 + len + 2;
        if (next > in.len)
            return 0;
        if (len == 0)
            return next;
        at = next;
    }
}

/* Length of the answer at the beginning; 0: more is to come. */
static size_t reply_length(Str in, int *status, size_t *body)
{
    ptrdiff_t end = str_find(in, STR_LIT("\r\n\r\n"), 0);
    if (end < 0)
        return 0;
    Str head         = str_n(in.ptr, (size_t)end + 2);
    *status          = head.len > 12 ? atoi(head.ptr + 9) : 0;
    *body            = (size_t)end + 4;
    ptrdiff_t length = str_find(head, STR_LIT("Content-Length: "), 0);
    if (length < 0)
        return chunks_end(in, *body);
    size_t whole = *body + strtoul(head.ptr + length + 16, NULL, 10);
    return whole <= in.len ? whole : 0;
}

/* Asks and waits; ends the program when the answer is not 200. */
static void ask(int fd, const char *path, Str request)
{
    StrBuf in = {0};
    int    status;
    size_t body;
    send_request(fd, path, request);
    while (in.len == 0 || reply_length(strbuf_str(&in), &status, &body) == 0) {
        strbuf_reserve(&in, 65536);
        in.ptr[in.len] = '\0'; /* atoi, strtoul */
        ssize_t got    = read(fd, in.ptr + in.len, 65535);
        if (got <= 0)
            die("the server closed the connection");
        in.len += (size_t)got;
        in.ptr[in.len] = '\0';
    }
    if (status != 200) {
        fprintf(stderr, "%s: %.*s\n", path, (int)in.len, in.ptr);
        exit(1);
    }
    strbuf_clear(&in);
}

/* ---- what is there before ---- */

static void fill_table(const Load *load, int fd)
{
    enum { BATCH = 5000 };
    StrBuf body = {0};
    for (int64_t key = 0; key < load->options.keys;) {
        strbuf_reset(&body);
        strbuf_adds(&body, "{\"topic\":\"load_events\",\"records\":[");
        for (int i = 0; i < BATCH && key < load->options.keys; i++, key++)
            strbuf_addf(&body, "%s{\"key\":\"user_%07" PRId64 "\",\"value\":\"{\\\"V\\\":%d}\"}",
                        i > 0 ? "," : "", key, i);
        strbuf_adds(&body, "]}");
        ask(fd, "/sluice/records", strbuf_str(&body));
    }
    strbuf_clear(&body);
}

static void pull_text(StrBuf *out, uint64_t key)
{
    strbuf_reset(out);
    strbuf_addf(out, "{\"ksql\":\"SELECT * FROM LOAD_TABLE WHERE K = 'user_%07" PRIu64 "';\"}", key);
}

/* True when the row of that key is in the table. */
static bool is_there(int fd, uint64_t key)
{
    StrBuf text = {0}, in = {0};
    int    status;
    size_t body;
    pull_text(&text, key);
    send_request(fd, "/query", strbuf_str(&text));
    while (in.len == 0 || reply_length(strbuf_str(&in), &status, &body) == 0) {
        strbuf_reserve(&in, 8192);
        ssize_t got = read(fd, in.ptr + in.len, 8191);
        if (got <= 0)
            die("read");
        in.len += (size_t)got;
        in.ptr[in.len] = '\0';
    }
    bool there = str_find(strbuf_str(&in), STR_LIT("{\"row\""), 0) >= 0;
    strbuf_clear(&text);
    strbuf_clear(&in);
    return there;
}

static void prepare(Load *load)
{
    int    fd    = connect_to(load->port);
    double start = now_us();
    ask(fd, "/ksql",
        STR_LIT(
            "{\"ksql\":\"CREATE STREAM LOAD_EVENTS (K STRING KEY, V INT) WITH (KAFKA_TOPIC='load_events', "
            "VALUE_FORMAT='JSON', PARTITIONS=4);"
            "CREATE STREAM LOAD_IDLE (K STRING KEY, V INT) WITH (KAFKA_TOPIC='load_idle', "
            "VALUE_FORMAT='JSON', PARTITIONS=4);"
            "CREATE TABLE LOAD_TABLE AS SELECT K, COUNT(*) AS N, SUM(V) AS TOTAL FROM LOAD_EVENTS "
            "WINDOW TUMBLING (SIZE 1 DAY) GROUP BY K;\","
            "\"streamsProperties\":{\"auto.offset.reset\":\"earliest\"}}"));
    fill_table(load, fd);
    for (uint64_t key = 1; key <= 64; key++) /* of all partitions, and the last ones written */
        while (!is_there(fd, (uint64_t)load->options.keys - key))
            usleep(100000);
    printf("%" PRId64 " keys in the table after %.1f s\n", load->options.keys, (now_us() - start) / 1e6);
    close(fd);
}

/* ---- clients ---- */

static void add_client(Load *load, Kind kind, double start_us)
{
    Client *client = &load->clients[load->count++];
    int64_t rate   = kind == PULL ? load->options.pull_rate : load->options.insert_rate;
    *client        = (Client){.fd = connect_to(load->port), .kind = kind};
    client->due_us = start_us + (rate > 0 ? (double)(next_random(load) % (uint64_t)(1000000 / rate + 1)) : 0);
    struct epoll_event on = {.events = EPOLLIN, .data.ptr = client};
    if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, client->fd, &on) != 0)
        die("epoll_ctl");
}

/* A push query is open when its header has come. */
static void open_push_queries(Load *load)
{
    double start = now_us();
    for (int64_t i = 0; i < load->options.push; i++) {
        add_client(load, PUSH, 0);
        Client *client = &load->clients[load->count - 1];
        send_request(client->fd, "/query-stream",
                     STR_LIT("{\"sql\":\"SELECT K, V FROM LOAD_IDLE EMIT CHANGES;\"}"));
        while (str_find(strbuf_str(&client->in), STR_LIT("columnNames"), 0) < 0) {
            strbuf_reserve(&client->in, 4096);
            ssize_t got = read(client->fd, client->in.ptr + client->in.len, 4096);
            client->in.len += got > 0 ? (size_t)got : 0;
            if (got <= 0 || str_find(strbuf_str(&client->in), STR_LIT("error_code"), 0) >= 0) {
                fprintf(stderr, "push query %" PRId64 ": %.*s\n", i, (int)client->in.len, client->in.ptr);
                exit(1);
            }
        }
        strbuf_reset(&client->in);
    }
    printf("%" PRId64 " push queries open after %.1f s\n", load->options.push, (now_us() - start) / 1e6);
}

static void fail(Load *load, const Client *client, const char *why, Str what)
{
    Tally *tally = &load->tallies[client->kind];
    if (tally->errors++ == 0)
        snprintf(tally->first_error, sizeof tally->first_error, "%s: " STR_FMT, why, STR_ARG(what));
}

static void send_next(Load *load, Client *client, double now)
{
    static const char *const paths[] = {[PULL] = "/query", [INSERT] = "/ksql"};
    int64_t  rate = client->kind == PULL ? load->options.pull_rate : load->options.insert_rate;
    StrBuf   text = {0};
    uint64_t key  = next_random(load) % (uint64_t)load->options.keys;
    if (client->kind == PULL)
        pull_text(&text, key);
    else
        strbuf_addf(&text, "{\"ksql\":\"INSERT INTO LOAD_EVENTS (K, V) VALUES ('user_%07" PRIu64 "', 1);\"}",
                    key);
    client->from_us = rate > 0 ? client->due_us : now;
    client->due_us  = rate > 0 ? client->due_us + 1e6 / (double)rate : now;
    client->sent_us = now;
    client->waiting = true;
    send_request(client->fd, paths[client->kind], strbuf_str(&text));
    strbuf_clear(&text);
}

static void take_answer(Load *load, Client *client, int status, Str answer)
{
    Tally *tally    = &load->tallies[client->kind];
    client->waiting = false;
    if (tally->count == tally->capacity) {
        tally->capacity = tally->capacity > 0 ? tally->capacity * 2 : 65536;
        tally->us       = mem_realloc(tally->us, tally->capacity * sizeof *tally->us);
    }
    tally->us[tally->count++] = (int32_t)(now_us() - client->from_us);
    if (status != 200)
        fail(load, client, "status", answer);
    else if (client->kind == PULL && str_find(answer, STR_LIT("{\"row\""), 0) < 0)
        fail(load, client, "no row", answer);
}

static void read_client(Load *load, Client *client)
{
    int    status;
    size_t body, len;
    strbuf_reserve(&client->in, 16384);
    ssize_t got = read(client->fd, client->in.ptr + client->in.len, 16383);
    if (got <= 0) {
        fail(load, client, "the connection was closed", STR_LIT(""));
        epoll_ctl(load->epoll, EPOLL_CTL_DEL, client->fd, NULL);
        client->waiting = true; /* sends nothing any more */
        return;
    }
    client->in.len += (size_t)got;
    client->in.ptr[client->in.len] = '\0';
    if (client->kind == PUSH) {
        fail(load, client, "an idle push query said", strbuf_str(&client->in));
        strbuf_reset(&client->in);
    } else if ((len = reply_length(strbuf_str(&client->in), &status, &body)) > 0) {
        take_answer(load, client, status, str_n(client->in.ptr, len));
        strbuf_reset(&client->in); /* one request at a time: nothing stands behind it */
    }
}

/* ---- the server's memory ---- */

static int64_t resident_kb(pid_t pid)
{
    char    path[64], line[256];
    int64_t kb = -1;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, "VmRSS:", 6) == 0)
            kb = strtoll(line + 6, NULL, 10);
    if (file != NULL)
        fclose(file);
    return kb;
}

/* ---- the run ---- */

static void run(Load *load)
{
    enum { EVENTS = 256, SETTLED_S = 10 };
    double  start = now_us(), end = start + (double)load->options.seconds * 1e6, next_look = start;
    int64_t settled_kb = 0, most_kb = 0, kb = 0;
    for (int64_t i = 0; i < load->options.pull; i++)
        add_client(load, PULL, start);
    for (int64_t i = 0; i < load->options.insert; i++)
        add_client(load, INSERT, start);
    for (double now = start; now < end; now = now_us()) {
        struct epoll_event events[EVENTS];
        double             next = next_look;
        if (now >= next_look) {
            kb = resident_kb(load->pid);
            if (now - start < SETTLED_S * 1e6)
                settled_kb = kb > settled_kb ? kb : settled_kb;
            most_kb   = kb > most_kb ? kb : most_kb;
            next_look = next = next_look + 1e6;
        }
        for (size_t i = (size_t)load->options.push; i < load->count; i++) {
            Client *client = &load->clients[i];
            if (!client->waiting && client->due_us <= now)
                send_next(load, client, now);
            else if (!client->waiting && client->due_us < next)
                next = client->due_us;
        }
        int64_t         wait_ns = next > now ? (int64_t)((next - now) * 1000) : 0;
        struct timespec wait    = {wait_ns / 1000000000, wait_ns % 1000000000};
        int             count   = epoll_pwait2(load->epoll, events, EVENTS, &wait, NULL);
        for (int i = 0; i < count; i++)
            read_client(load, events[i].data.ptr);
    }
    printf("memory: %" PRId64 " MB at most in the first %d s, %" PRId64 " MB at most in all, %" PRId64
           " MB at the end\n",
           settled_kb / 1024, SETTLED_S, most_kb / 1024, kb / 1024);
}

/* An answer that is not there for five seconds is an error, too. */
static void count_unanswered(Load *load)
{
    double now = now_us();
    for (size_t i = (size_t)load->options.push; i < load->count; i++)
        if (load->clients[i].waiting && now - load->clients[i].sent_us > 5e6)
            fail(load, &load->clients[i], "unanswered at the end; so far", strbuf_str(&load->clients[i].in));
}

static int compare(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return x < y ? -1 : x > y;
}

static bool report(Load *load)
{
    bool good = true;
    for (int kind = 0; kind < KINDS; kind++) {
        Tally *tally = &load->tallies[kind];
        size_t n     = tally->count;
        qsort(tally->us, n, sizeof *tally->us, compare);
        if (n > 0)
            printf("%-6s %9zu answers, %8.0f/s, p50 %.2f ms, p99 %.2f ms, p99.9 %.2f ms, longest %.2f ms, "
                   "%zu errors\n",
                   kind_names[kind], n, (double)n / (double)load->options.seconds, tally->us[n / 2] / 1000.0,
                   tally->us[n * 99 / 100] / 1000.0, tally->us[n * 999 / 1000] / 1000.0,
                   tally->us[n - 1] / 1000.0, tally->errors);
        else
            printf("%-6s %zu errors\n", kind_names[kind], tally->errors);
        if (tally->errors > 0)
            printf("       the first: %s\n", tally->first_error);
        good = good && tally->errors == 0;
    }
    return good;
}

static bool read_option(Options *options, const char *text)
{
    const struct {
        const char *name;
        int64_t    *value;
    } names[] = {{"push", &options->push},
                 {"pull", &options->pull},
                 {"insert", &options->insert},
                 {"pull_rate", &options->pull_rate},
                 {"insert_rate", &options->insert_rate},
                 {"seconds", &options->seconds},
                 {"keys", &options->keys}};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        size_t len = strlen(names[i].name);
        if (strncmp(text, names[i].name, len) == 0 && text[len] == '=') {
            *names[i].value = strtoll(text + len + 1, NULL, 10);
            return true;
        }
    }
    return false;
}

int main(int argc, char **argv)
{
    Load load = {.options = {.push        = 2000,
                             .pull        = 200,
                             .insert      = 50,
                             .pull_rate   = 10,
                             .insert_rate = 10,
                             .seconds     = 60,
                             .keys        = 1000000},
                 .random  = 88172645463325252};
    bool good = argc >= 3;
    for (int i = 3; i < argc; i++)
        good = good && read_option(&load.options, argv[i]);
    if (!good) {
        fprintf(stderr, "usage: bench_load PORT PID [push=2000 pull=200 insert=50 pull_rate=10 "
                        "insert_rate=10 seconds=60 keys=1000000]\n");
        return 2;
    }
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    load.port  = atoi(argv[1]);
    load.pid   = (pid_t)atoi(argv[2]);
    load.epoll = epoll_create1(EPOLL_CLOEXEC);
    load.clients =
        mem_calloc((size_t)(load.options.push + load.options.pull + load.options.insert) + 1, sizeof(Client));
    prepare(&load);
    open_push_queries(&load);
    run(&load);
    count_unanswered(&load);
    return report(&load) ? 0 : 1;
}
