/* SPDX-License-Identifier: MIT */
/* How much is simulated: a sample in `make test`, all of it in `make check` (SKT_FULL), and always the sample
 * where instrumentation makes it slow.
 */
#ifndef SIM_INSTRUMENTED_H
#define SIM_INSTRUMENTED_H

#include <stdlib.h>

#ifndef __has_feature
#define __has_feature(x) 0
#endif

/* 1 where the sanitizers make simulations ten times slower and more. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || __has_feature(address_sanitizer)
#define SIM_INSTRUMENTED 1
#else
#define SIM_INSTRUMENTED 0
#endif

/* With how many seeds: SKT_SIM_SEEDS, or `all` where SKT_FULL is set, or `some`. */
static inline unsigned sim_seeds(unsigned all, unsigned some)
{
    const char *wanted = getenv("SKT_SIM_SEEDS");
    if (wanted && *wanted)
        return (unsigned)strtoul(wanted, NULL, 10);
    const char *full = getenv("SKT_FULL");
    return full && !SIM_INSTRUMENTED ? all : some;
}

#endif
