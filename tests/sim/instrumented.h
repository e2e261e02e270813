/* SPDX-License-Identifier: MIT */
/* SIM_INSTRUMENTED: 1 where the sanitizers make simulations ten times slower and more; fewer seeds do there.
 */
#ifndef SIM_INSTRUMENTED_H
#define SIM_INSTRUMENTED_H

#ifndef __has_feature
#define __has_feature(x) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define SIM_INSTRUMENTED 1
#else
#define SIM_INSTRUMENTED 0
#endif

#endif
