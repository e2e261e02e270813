/* SPDX-License-Identifier: MIT */
/* What no cell may fall below: a line of a file each (lab/matrix --floors makes it and says by which rule).
 */
#ifndef MATRIX_FLOORS_H
#define MATRIX_FLOORS_H

#include <stdint.h>

/* Runs every `every`-th cell of the file whose mode is `mode` (or all of them: "all") with this seed. Cells
 * of recordings that are not there are left out. Returns how many cells fell below their floor, each of which
 * is said on stdout; -1: the file can't be read or has a line that says nothing (on stderr). */
int matrix_check_floors(const char *path, const char *mode, unsigned every, uint64_t seed);

#endif
