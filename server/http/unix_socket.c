/*
 * unix_socket.c - a listener that no other user can open: `unix:PATH`.
 *
 * Two locks on the door: the directory is 0700 and ours, and the socket is 0600. Either would do on Linux;
 * the directory also keeps others from putting a socket of theirs in the place of ours. The address is
 * written as /proc/self/fd/N/NAME, for a path in a socket's address has room for 107 bytes and directories of
 * state have more.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/value.h"
#include "server/http/server.h"

/* The directory as a descriptor; -1 with err. */
static int open_directory(const char *directory, Error *err)
{
    struct stat info;
    if (mkdir(directory, 0700) != 0 && errno != EEXIST) {
        error_set(err, E_IO, NO_POS, "cannot make the directory %s: %m", directory);
        return -1;
    }
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) != 0)
        error_set(err, E_IO, NO_POS, "cannot open the directory %s: %m", directory);
    else if (info.st_uid != geteuid() || (info.st_mode & 077) != 0)
        error_set(err, E_CONFIG, NO_POS,
                  "listeners: other users can open the directory %s: a socket wants one of mode 0700 that is "
                  "this user's",
                  directory);
    else
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

/* Between bind and a chmod behind it, others could connect: the mode is the socket's before it has a name. */
static int bind_private(int directory, const char *name, const char *path, Error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int                fd      = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int len = snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", directory, name);
    if (fd < 0 || len < 0 || (size_t)len >= sizeof address.sun_path || fchmod(fd, 0600) != 0 ||
        bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 511) != 0) {
        error_set(err, E_IO, NO_POS, "cannot listen on unix:%s: %m", path);
        if (fd >= 0)
            close(fd);
        return -1;
    }
    return fd;
}

/* Only a socket is removed: a path that was given by mistake loses no file. */
static void remove_stale(int directory, const char *name)
{
    struct stat info;
    if (fstatat(directory, name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISSOCK(info.st_mode))
        (void)unlinkat(directory, name, 0); /* bind says why it cannot */
}

Status unix_socket_open(const char *path, int *fd, Error *err)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path || slash[1] == '\0')
        return error_set(err, E_CONFIG, NO_POS,
                         "Invalid value unix:%s for configuration listeners: a socket is named as "
                         "unix:DIRECTORY/NAME",
                         path);
    char *folder                   = mem_strdup(path);
    folder[(size_t)(slash - path)] = '\0';
    int directory                  = open_directory(folder, err);
    mem_free(folder);
    if (directory < 0)
        return err->code;
    remove_stale(directory, slash + 1);
    *fd = bind_private(directory, slash + 1, path, err);
    close(directory);
    return *fd >= 0 ? OK : err->code;
}
