/* SPDX-License-Identifier: MIT */
/* Where the system keeps what is of no use after a restart. */
#ifndef SKT_BASE_FOLDERS_H
#define SKT_BASE_FOLDERS_H

/* macOS has no /run, and none can be made there. */
#ifdef __APPLE__
#define SKT_RUN_FOLDER "/var/run/skcptun"
#else
#define SKT_RUN_FOLDER "/run/skcptun"
#endif

#endif
