/* SPDX-License-Identifier: MIT */
#include "cli/status_socket.h"

#include "base/err.h"
#include "base/list.h"
#include "io/child.h"
#include "io/listener.h"
#include "io/sockaddr.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    READERS_MAX = 8,         /* answers under way, far more than people look at once; the oldest makes room */
    READER_LIMIT_S = 5,      /* for an answer: a reader that stands still is let go */
    QUESTION_LIMIT_MS = 100, /* who has not said by then what it wants gets the plain status */
    QUESTION_MAX = 64,       /* bytes of a question; the longest that there is has 15 */
};

struct skt_status_socket {
    struct skt_loop *loop;
    struct skt_listener listener;
    struct skt_status_file file;
    skt_status_write_fn *write;
    void *user;
    struct skt_list readers; /* oldest first */
    unsigned reader_count;
};

/* One connection with what it has not taken yet. */
struct reader {
    struct skt_list link;
    struct skt_status_socket *owner;
    struct skt_loop_io io;
    struct skt_loop_timer limit;
    int fd;
    char *text; /* NULL: what it wants to know is not known yet */
    size_t len, sent;
};

static void reader_free(struct reader *r)
{
    struct skt_status_socket *s = r->owner;
    skt_loop_io_set(s->loop, &r->io, 0);
    skt_loop_timer_stop(s->loop, &r->limit);
    skt_list_remove(&r->link);
    s->reader_count--;
    close(r->fd);
    free(r->text);
    free(r);
}

static void write_some(struct reader *r)
{
    while (r->sent < r->len) {
        ssize_t n = write(r->fd, r->text + r->sent, r->len - r->sent);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0)
            break;
        r->sent += (size_t)n;
    }
    reader_free(r);
}

/* The document of now; NULL without memory. */
static char *document(struct skt_status_socket *s, const char *question, size_t *len)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, len);
    if (!out)
        return NULL;
    s->write(s->user, out, question);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

static void answer(struct reader *r, const char *question)
{
    struct skt_status_socket *s = r->owner;
    r->text = s->write ? document(s, question, &r->len) : NULL;
    if (!r->text) {
        reader_free(r);
        return;
    }
    skt_loop_timer_set(s->loop, &r->limit, skt_loop_now(s->loop) + READER_LIMIT_S * SKT_US_PER_SEC);
    skt_loop_io_set(s->loop, &r->io, SKT_IO_WRITE);
}

static void on_limit(struct skt_loop_timer *t, skt_us now)
{
    struct reader *r = SKT_CONTAINER(t, struct reader, limit);
    (void)now;
    if (r->text)
        reader_free(r);
    else
        answer(r, "");
}

/* The question is one short write: it comes whole. */
static void on_ready(struct skt_loop_io *io, unsigned ready)
{
    struct reader *r = SKT_CONTAINER(io, struct reader, io);
    char question[QUESTION_MAX];
    (void)ready;
    if (r->text) {
        write_some(r);
        return;
    }
    ssize_t n = read(r->fd, question, sizeof question - 1);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    question[n > 0 ? n : 0] = 0;
    answer(r, question);
}

static void reader_new(struct skt_status_socket *s, int fd)
{
    struct reader *r = calloc(1, sizeof *r);
    if (!r) {
        close(fd);
        return;
    }
    if (s->reader_count == READERS_MAX)
        reader_free(SKT_CONTAINER(s->readers.next, struct reader, link));
    r->owner = s;
    r->fd = fd;
    skt_list_init(&r->link);
    skt_list_append(&s->readers, &r->link);
    s->reader_count++;
    skt_loop_io_init(&r->io, fd, on_ready);
    skt_loop_timer_init(&r->limit, on_limit);
    skt_loop_timer_set(s->loop, &r->limit, skt_loop_now(s->loop) + QUESTION_LIMIT_MS * SKT_US_PER_MS);
    skt_loop_io_set(s->loop, &r->io, SKT_IO_READ);
}

static void on_connection(struct skt_listener *l, int fd)
{
    reader_new(SKT_CONTAINER(l, struct skt_status_socket, listener), fd);
}

/* Does a process listen behind the file? */
static bool is_alive(const struct sockaddr_un *addr)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0)
        return false;
    bool prepared = skt_fd_prepare(fd) == SKT_OK;
    /* EAGAIN: its queue of connections is full. */
    bool alive =
        prepared && (connect(fd, (const struct sockaddr *)addr, sizeof *addr) == 0 || errno == EAGAIN);
    close(fd);
    return alive;
}

static int bind_file(int fd, const struct sockaddr_un *addr, char why[SKT_STATEFILE_WHY_MAX])
{
    struct stat st;
    if (lstat(addr->sun_path, &st) == 0) {
        if (!S_ISSOCK(st.st_mode)) {
            errno = EEXIST;
            return SKT_ERR_IO;
        }
        if (st.st_uid != 0 && st.st_uid != geteuid()) {
            snprintf(why, SKT_STATEFILE_WHY_MAX, "%s belongs to another user (%lu)", addr->sun_path,
                     (unsigned long)st.st_uid);
            return SKT_ERR_AUTH;
        }
        if (is_alive(addr))
            return SKT_ERR_FULL;
        unlink(addr->sun_path);
    }
    mode_t old = umask(0177);
    int failed = bind(fd, (const struct sockaddr *)addr, sizeof *addr);
    umask(old);
    return failed || listen(fd, READERS_MAX) != 0 ? SKT_ERR_IO : SKT_OK;
}

/* Two processes that start at once must not both find the old socket stale and remove each other's: the
 * folder is locked meanwhile. */
static int bind_locked(int fd, const struct sockaddr_un *addr, char why[SKT_STATEFILE_WHY_MAX])
{
    int err = skt_statefile_check_folder(addr->sun_path, why);
    if (err)
        return err;
    char folder[sizeof addr->sun_path];
    memcpy(folder, addr->sun_path, sizeof folder);
    int lock = open(dirname(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (lock < 0)
        return SKT_ERR_IO;
    (void)flock(lock, LOCK_EX);
    err = bind_file(fd, addr, why);
    int saved = errno;
    close(lock);
    errno = saved;
    return err;
}

int skt_status_socket_new(struct skt_status_socket **out, struct skt_loop *loop, const char *path,
                          char why[SKT_STATEFILE_WHY_MAX])
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    if (len >= sizeof addr.sun_path) {
        errno = ENAMETOOLONG;
        return SKT_ERR_IO;
    }
    memcpy(addr.sun_path, path, len);
    struct skt_status_socket *s = calloc(1, sizeof *s);
    if (!s)
        return SKT_ERR_NOMEM;
    s->loop = loop;
    skt_list_init(&s->readers);
    memcpy(s->file.path, path, len + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    int err = fd >= 0 ? skt_fd_prepare(fd) : SKT_ERR_IO;
    if (err == SKT_OK)
        err = bind_locked(fd, &addr, why);
    struct stat st;
    if (err == SKT_OK && lstat(path, &st) != 0)
        err = SKT_ERR_IO;
    if (err < 0) {
        int saved = errno;
        if (fd >= 0)
            close(fd);
        free(s);
        errno = saved;
        return err;
    }
    s->file.device = st.st_dev;
    s->file.inode = st.st_ino;
    skt_listener_init(&s->listener, loop, fd, "questions for the status", on_connection);
    skt_listener_keep_reserve(&s->listener); /* when everything is in use is when one wants to know */
    *out = s;
    return SKT_OK;
}

void skt_status_socket_serve(struct skt_status_socket *s, skt_status_write_fn *write, void *user)
{
    s->write = write;
    s->user = user;
    skt_listener_watch(&s->listener, write != NULL);
}

const struct skt_status_file *skt_status_socket_file(const struct skt_status_socket *s)
{
    return &s->file;
}

void skt_status_file_remove(const struct skt_status_file *file)
{
    struct stat st;
    if (lstat(file->path, &st) == 0 && st.st_dev == file->device && st.st_ino == file->inode)
        unlink(file->path);
}

void skt_status_file_remove_after(int fd)
{
    struct skt_status_file file = {0};
    char rest[64];
    ssize_t got;
    skt_child_signals();
    skt_child_close_others(fd);
    if (!skt_child_read(fd, &file, sizeof file))
        return;
    while ((got = read(fd, rest, sizeof rest)) > 0 || (got < 0 && errno == EINTR))
        ;
    file.path[sizeof file.path - 1] = '\0';
    skt_status_file_remove(&file);
}

void skt_status_socket_free(struct skt_status_socket *s)
{
    if (!s)
        return;
    while (!skt_list_empty(&s->readers))
        reader_free(SKT_CONTAINER(s->readers.next, struct reader, link));
    skt_status_file_remove(&s->file);
    skt_listener_close(&s->listener);
    free(s);
}
