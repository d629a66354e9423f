/* What the passes of winograd.h share: tiles of a batch, where they lie, and their way into the transformed planes. */
#ifndef TG_KERNELS_WINOGRAD_TILE_H
#define TG_KERNELS_WINOGRAD_TILE_H

#include "kernels/conv2d_windows.h"
#include "kernels/winograd.h"
#include "kernels/winograd_transform.h"

TG_INLINE size_t tg_round_up(size_t n, size_t to) { return (n + to - 1) / to * to; }

/* Reals from one position's plane of `rows` rows to the next. The 16 more keep planes out of each other's cache sets
 * when their size is a power of two. */
TG_INLINE size_t tg_winograd_plane(size_t rows, size_t width) { return rows * width + 16; }

/* A square of `size` pixels of an image of `channels`, cut to what lies inside: rows row[i] (offsets in reals) for
 * first_row <= i < end_row, columns likewise. */
typedef struct {
  size_t row[TG_WINOGRAD_N], column[TG_WINOGRAD_N];
  uint32_t first_row, end_row, first_column, end_column;
} tg_winograd_square;

/* Tile `tile` of the batch in y (`outer` 0: 4 x 4 pixels), or the pixels of x under it (`outer` 1: 6 x 6). Offsets
 * count from image 0. */
void tg_winograd_place(tg_winograd_square *at, const tg_winograd *g, uint32_t tile, int outer);

/* to[position * plane + group * group_step + lane] = the transform of four channels after four,
 * two groups of four side by side: group_step reals from channels 8k to 8k + 8. Channels are those of a pixel rounded
 * up to four; the ones beyond are whatever follows in memory. */
void tg_winograd_transform_x(tg_real *to, size_t plane, size_t group_step, const tg_real *x,
                             const tg_winograd_square *at, uint32_t channels);
void tg_winograd_transform_dy(tg_real *to, size_t plane, size_t group_step, const tg_real *dy,
                              const tg_winograd_square *at, uint32_t channels);

#endif
