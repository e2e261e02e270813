/* SPDX-License-Identifier: MIT */
/* skt_crypto_null without its checksums and masks: for simulations of which only the time matters. */
#ifndef SIM_BLIND_H
#define SIM_BLIND_H

#include "proto/primitives.h"

const struct skt_crypto *sim_crypto_blind(void);

#endif
