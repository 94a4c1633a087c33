/*
 * log_embedded_wal.c - is the WAL that a crash has left whole?
 *
 * SQLite takes a WAL up to the first frame whose checksum is wrong, and drops the rest without a word. That
 * is right for the last transaction, which a loss of power may have torn and nobody was told of. It is wrong
 * for damage in the middle: what follows was acknowledged. The two are told apart by what stands behind the
 * bad frame: two whole commits in one chain of checksums mean that the first of them had been flushed.
 * (Commits that failed on a full disk leave one such frame each, never two in a chain.)
 *
 * Format and checksum: https://www.sqlite.org/fileformat2.html, section 4.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "log/log_embedded.h"

enum { HEADER = 32, FRAME_HEADER = 24, PAGE_MOST = 65536, MAGIC = 0x377f0682 };

typedef struct {
    int      fd;
    uint32_t page_size, salt[2], sum[2]; /* `sum`: of the last frame read, as it stands in the file */
    bool     big_endian;                 /* words of the checksum */
    uint8_t *frame;
} Wal;

static uint32_t read_u32(const uint8_t *at, bool big_endian)
{
    return big_endian ? (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3]
                      : (uint32_t)at[3] << 24 | (uint32_t)at[2] << 16 | (uint32_t)at[1] << 8 | at[0];
}

static void add_checksum(const Wal *wal, const uint8_t *bytes, size_t len, uint32_t sum[2])
{
    for (size_t i = 0; i < len; i += 8) {
        sum[0] += read_u32(bytes + i, wal->big_endian) + sum[1];
        sum[1] += read_u32(bytes + i + 4, wal->big_endian) + sum[0];
    }
}

/* False: shorter than a header, or empty: nothing that could be lost. */
static bool read_header(Wal *wal, bool *whole)
{
    uint8_t header[HEADER];
    if (pread(wal->fd, header, HEADER, 0) != HEADER)
        return false;
    uint32_t magic  = read_u32(header, true);
    wal->big_endian = magic & 1;
    wal->page_size  = read_u32(header + 8, true);
    memcpy(wal->salt, header + 16, sizeof wal->salt);
    uint32_t sum[2] = {0, 0};
    add_checksum(wal, header, 24, sum);
    wal->sum[0] = read_u32(header + 24, true);
    wal->sum[1] = read_u32(header + 28, true);
    *whole      = (magic & ~1u) == MAGIC && sum[0] == wal->sum[0] && sum[1] == wal->sum[1];
    return true;
}

typedef struct {
    bool there, chained, commits, of_this_wal;
} Frame;

static Frame read_frame(Wal *wal, int64_t number)
{
    size_t size   = FRAME_HEADER + wal->page_size;
    Frame  answer = {0};
    if (pread(wal->fd, wal->frame, size, HEADER + number * (int64_t)size) != (ssize_t)size)
        return answer;
    uint32_t sum[2] = {wal->sum[0], wal->sum[1]};
    add_checksum(wal, wal->frame, 8, sum);
    add_checksum(wal, wal->frame + FRAME_HEADER, wal->page_size, sum);
    wal->sum[0]        = read_u32(wal->frame + 16, true);
    wal->sum[1]        = read_u32(wal->frame + 20, true);
    answer.there       = true;
    answer.chained     = sum[0] == wal->sum[0] && sum[1] == wal->sum[1];
    answer.of_this_wal = memcmp(wal->frame + 8, wal->salt, sizeof wal->salt) == 0;
    answer.commits     = read_u32(wal->frame + 4, true) != 0;
    return answer;
}

/* Commits in the longest chain from `number` on. */
static int chained_commits(Wal *wal, int64_t number, bool whole_header)
{
    int most = 0, now = 0;
    for (Frame frame; (frame = read_frame(wal, number)).there; number++) {
        bool goes_on = frame.chained && (frame.of_this_wal || !whole_header);
        now          = goes_on ? now + frame.commits : 0;
        most         = now > most ? now : most;
    }
    return most;
}

static Status check_frames(Wal *wal, const char *path, bool whole_header, Error *err)
{
    int64_t number = 0;
    Frame   frame  = {0};
    if (!whole_header) /* its words may be any: those of an intact one on this machine */
        *wal = (Wal){.fd = wal->fd, .page_size = 4096};
    wal->frame = mem_alloc(FRAME_HEADER + wal->page_size);
    while (whole_header && (frame = read_frame(wal, number)).there && frame.chained && frame.of_this_wal)
        number++;
    Status status = OK;
    int lost = frame.there || !whole_header ? chained_commits(wal, number + whole_header, whole_header) : 0;
    if (lost >= 2)
        status = log_file_damaged(path, err,
                                  "its write-ahead log %s-wal is damaged at frame %" PRId64
                                  ", and %d or more transactions behind it cannot be read",
                                  path, number, lost);
    mem_free(wal->frame);
    return status;
}

Status wal_check(const char *path, Error *err)
{
    StrBuf name = {0};
    strbuf_addf(&name, "%s-wal", path);
    char *wal_path = str_to_heap(strbuf_str(&name));
    Wal   wal      = {.fd = open(wal_path, O_RDONLY | O_CLOEXEC)};
    int   why      = errno;
    mem_free(wal_path);
    strbuf_clear(&name);
    if (wal.fd < 0)
        return why == ENOENT ? OK : error_set(err, E_IO, NO_POS, "%s-wal: %s", path, strerror(why));
    bool   whole  = false;
    Status status = OK;
    if (read_header(&wal, &whole)) {
        whole  = whole && wal.page_size >= 512 && wal.page_size <= PAGE_MOST && wal.page_size % 512 == 0;
        status = check_frames(&wal, path, whole, err);
    }
    close(wal.fd);
    return status;
}
