/* What the passes of winograd.h share: tiles of a batch, where they lie, and their way into the transformed planes. */
#ifndef TG_KERNELS_WINOGRAD_TILE_H
#define TG_KERNELS_WINOGRAD_TILE_H

#include "kernels/conv2d_windows.h"
#include "kernels/winograd.h"
#include "kernels/winograd_transform.h"

enum { TG_WINOGRAD_MAX_N = 6 };

TG_INLINE uint32_t tg_winograd_positions(const tg_winograd *g) { return (g->m + 2) * (g->m + 2); }

TG_INLINE size_t tg_round_up(size_t n, size_t to) { return (n + to - 1) / to * to; }

/* Reals from one position's plane of `rows` rows to the next. The 16 more keep planes out of each other's cache sets
 * when their size is a power of two. */
TG_INLINE size_t tg_winograd_plane(size_t rows, size_t width) { return rows * width + 16; }

/* A square of `size` pixels of an image of `channels`, cut to what lies inside: rows row[i] (offsets in reals) for
 * first_row <= i < end_row, columns likewise. */
typedef struct {
  size_t row[TG_WINOGRAD_MAX_N], column[TG_WINOGRAD_MAX_N];
  uint32_t first_row, end_row, first_column, end_column;
} tg_winograd_square;

TG_INLINE void tg_winograd_clip(size_t *at, uint32_t *first, uint32_t *end, int64_t start, uint32_t size,
                                uint32_t limit, size_t step) {
  *first = size;
  *end = 0;
  for (uint32_t i = 0; i < size; i++) {
    int64_t place = start + i;
    int inside = place >= 0 && place < (int64_t)limit;
    at[i] = inside ? (size_t)place * step : 0;
    if (!inside) continue;
    if (i < *first) *first = i;
    *end = i + 1;
  }
}

/* Tile `tile` of the batch in y (`outer` 0: m x m pixels), or the pixels of x under it (`outer` 1: n x n). Offsets
 * count from image 0. */
TG_INLINE void tg_winograd_place(tg_winograd_square *at, const tg_winograd *g, uint32_t m, uint32_t tile, int outer) {
  const uint32_t per_image = g->tiles_h * g->tiles_w, image = tile / per_image, place = tile % per_image;
  const int64_t row = (int64_t)(place / g->tiles_w) * m, column = (int64_t)(place % g->tiles_w) * m;
  const tg_conv2d_shape *s = &g->s;
  if (outer) {
    tg_winograd_clip(at->row, &at->first_row, &at->end_row, row - s->pad_top, m + 2, s->in_h,
                     (size_t)s->in_w * s->in_c);
    tg_winograd_clip(at->column, &at->first_column, &at->end_column, column - s->pad_left, m + 2, s->in_w, s->in_c);
    for (uint32_t i = at->first_row; i < at->end_row; i++) at->row[i] += (size_t)image * s->in_h * s->in_w * s->in_c;
  } else {
    tg_winograd_clip(at->row, &at->first_row, &at->end_row, row, m, s->out_h, (size_t)s->out_w * s->out_c);
    tg_winograd_clip(at->column, &at->first_column, &at->end_column, column, m, s->out_w, s->out_c);
    for (uint32_t i = at->first_row; i < at->end_row; i++) at->row[i] += (size_t)image * s->out_h * s->out_w * s->out_c;
  }
}

/* to[position * plane + group * group_step + lane] = the transform (BT of x or A of dy) of four channels after four,
 * two groups of four side by side: group_step reals from channels 8k to 8k + 8. Channels are those of a pixel rounded
 * up to four; the ones beyond are whatever follows in memory. */
TG_INLINE void tg_winograd_transform_tile(int what, uint32_t m, tg_real *to, size_t plane, size_t group_step,
                                          const tg_real *from, const tg_winograd_square *at, uint32_t channels) {
  const uint32_t wide = tg_winograd_from(what, m), n = m + 2;
  for (uint32_t c = 0; c < channels; c += 4) {
    tg_v4 half[TG_WINOGRAD_MAX_N * TG_WINOGRAD_MAX_N], column[TG_WINOGRAD_MAX_N], line[TG_WINOGRAD_MAX_N];
    TG_NO_UNROLL
    for (uint32_t j = 0; j < wide; j++) {
      if (j < at->first_column || j >= at->end_column) {
        for (uint32_t i = 0; i < n; i++) half[i * wide + j] = tg_v4_zero();
        continue;
      }
      const tg_real *pixel = from + at->column[j] + c;
      for (uint32_t i = 0; i < wide; i++) {
        column[i] = i >= at->first_row && i < at->end_row ? tg_v4_load(pixel + at->row[i]) : tg_v4_zero();
      }
      tg_winograd_line(what, m, line, column);
      for (uint32_t i = 0; i < n; i++) half[i * wide + j] = line[i];
    }
    tg_real *out = to + c / 8 * group_step + c % 8;
    TG_NO_UNROLL
    for (uint32_t i = 0; i < n; i++) {
      tg_winograd_line(what, m, line, half + i * wide);
      for (uint32_t j = 0; j < n; j++) tg_v4_store(out + (i * n + j) * plane, line[j]);
    }
  }
}

#endif
