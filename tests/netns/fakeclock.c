/* SPDX-License-Identifier: MIT */
/* LD_PRELOAD: the wall clock is off by SKT_FAKE_CLOCK_OFFSET seconds; monotonic clocks are as they were. The
 * clock that goes on while the machine is suspended, and the wall clock, are ahead by the seconds (int64_t)
 * in the file SKT_FAKE_SUSPEND, which may change. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static time_t offset(void)
{
    const char *text = getenv("SKT_FAKE_CLOCK_OFFSET");
    return text ? (time_t)strtoll(text, NULL, 10) : 0;
}

static time_t suspended(void)
{
    static volatile int64_t *seconds;
    static int64_t none;
    if (!seconds) {
        const char *path = getenv("SKT_FAKE_SUSPEND");
        int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        void *map = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof none, PROT_READ, MAP_SHARED, fd, 0);
        if (fd >= 0)
            close(fd);
        seconds = map == MAP_FAILED ? &none : map;
    }
    return (time_t)*seconds;
}

int clock_gettime(clockid_t id, struct timespec *ts)
{
    int err = (int)syscall(SYS_clock_gettime, id, ts);
    if (err == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
        ts->tv_sec += offset();
    if (err == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE || id == CLOCK_BOOTTIME))
        ts->tv_sec += suspended();
    return err;
}

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
    struct timespec ts;
    (void)zone;
    int err = clock_gettime(CLOCK_REALTIME, &ts);
    tv->tv_sec = ts.tv_sec;
    tv->tv_usec = ts.tv_nsec / 1000;
    return err;
}

int timespec_get(struct timespec *ts, int base)
{
    return base == TIME_UTC && clock_gettime(CLOCK_REALTIME, ts) == 0 ? base : 0;
}

time_t time(time_t *out)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    if (out)
        *out = ts.tv_sec;
    return ts.tv_sec;
}
