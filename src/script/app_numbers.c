/* SPDX-License-Identifier: MIT */
#include "script/app_numbers.h"

#include "script/state.h"

#include <stdio.h>
#include <unistd.h>

#ifdef __APPLE__
#include <mach/mach.h>
#endif

uint64_t skt_script_rss(void)
{
#ifdef __APPLE__
    struct mach_task_basic_info info;
    mach_msg_type_number_t count = MACH_TASK_BASIC_INFO_COUNT;
    if (task_info(mach_task_self(), MACH_TASK_BASIC_INFO, (task_info_t)&info, &count) != KERN_SUCCESS)
        return 0;
    return info.resident_size;
#else
    unsigned long long size = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (!f)
        return 0;
    if (fscanf(f, "%llu %llu", &size, &resident) != 2)
        resident = 0;
    (void)fclose(f);
    return resident * (unsigned long long)sysconf(_SC_PAGESIZE);
#endif
}

void skt_script_drops_add(struct skt_drops *sum, const struct skt_drops *drops)
{
    sum->auth += drops->auth + drops->unknown; /* an id that we did not give out */
    sum->replay += drops->replay;
    sum->malformed += drops->malformed;
    sum->overload += drops->overload;
}

struct skt_drops skt_script_drops(const struct skt_script *app)
{
    struct skt_drops sum = app->drops;
    for (const struct skt_list *l = app->skcps.live.next; l != &app->skcps.live; l = l->next)
        skt_script_drops_add(&sum, skt_endpoint_drops(SKT_CONTAINER(l, struct skt_script_skcp, link)->ep));
    return sum;
}

struct skt_relay_stats skt_script_connections(const struct skt_script *app)
{
    static const struct skt_relay_stats none = {0, 0, 0, 0};
    struct skt_relay_stats stats = app->relays ? *skt_relay_set_stats(app->relays) : none;
    stats.open += app->tcps.by_number.count;
    return stats;
}
