/* SPDX-License-Identifier: MIT */
#include "io/limits.h"

#include <stdint.h>
#include <sys/resource.h>
#include <unistd.h>

#define MEG (UINT64_C(1) << 20)

enum {
    MEMORY_PART = 8,     /* an eighth of the machine's: others have to live, too */
    FILES_MAX = 1048576, /* some systems have no limit; this is what Linux has */
    FILES_UNKNOWN = 256, /* the default of macOS, the lowest of the systems in use */
};

size_t skt_limits_memory(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    if (pages <= 0 || page <= 0)
        return (size_t)(48 * MEG);
    uint64_t part = (uint64_t)pages * (uint64_t)page / MEMORY_PART;
    if (part < 24 * MEG)
        part = 24 * MEG;
    return (size_t)(part < 1024 * MEG ? part : 1024 * MEG);
}

size_t skt_limits_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return FILES_UNKNOWN;
    return limit.rlim_cur > FILES_MAX ? FILES_MAX : (size_t)limit.rlim_cur;
}
