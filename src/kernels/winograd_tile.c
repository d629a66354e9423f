#include "kernels/winograd_tile.h"

static void clip(size_t *at, uint32_t *first, uint32_t *end, int64_t start, uint32_t size, uint32_t limit,
                 size_t step) {
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

void tg_winograd_place(tg_winograd_square *at, const tg_winograd *g, uint32_t tile, int outer) {
  const uint32_t per_image = g->tiles_h * g->tiles_w, image = tile / per_image, place = tile % per_image;
  const int64_t row = (int64_t)(place / g->tiles_w) * TG_WINOGRAD_M,
                column = (int64_t)(place % g->tiles_w) * TG_WINOGRAD_M;
  const tg_conv2d_shape *s = &g->s;
  if (outer) {
    clip(at->row, &at->first_row, &at->end_row, row - s->pad_top, TG_WINOGRAD_N, s->in_h, (size_t)s->in_w * s->in_c);
    clip(at->column, &at->first_column, &at->end_column, column - s->pad_left, TG_WINOGRAD_N, s->in_w, s->in_c);
    for (uint32_t i = at->first_row; i < at->end_row; i++) at->row[i] += (size_t)image * s->in_h * s->in_w * s->in_c;
  } else {
    clip(at->row, &at->first_row, &at->end_row, row, TG_WINOGRAD_M, s->out_h, (size_t)s->out_w * s->out_c);
    clip(at->column, &at->first_column, &at->end_column, column, TG_WINOGRAD_M, s->out_w, s->out_c);
    for (uint32_t i = at->first_row; i < at->end_row; i++) at->row[i] += (size_t)image * s->out_h * s->out_w * s->out_c;
  }
}

TG_INLINE void transform(int what, tg_real *to, size_t plane, size_t group_step, const tg_real *from,
                         const tg_winograd_square *at, uint32_t channels) {
  const uint32_t wide = tg_winograd_from(what);
  for (uint32_t c = 0; c < channels; c += 4) {
    tg_v4 half[TG_WINOGRAD_N * TG_WINOGRAD_N], column[TG_WINOGRAD_N], line[TG_WINOGRAD_N];
    TG_NO_UNROLL
    for (uint32_t j = 0; j < wide; j++) {
      if (j < at->first_column || j >= at->end_column) {
        for (uint32_t i = 0; i < TG_WINOGRAD_N; i++) half[i * wide + j] = tg_v4_zero();
        continue;
      }
      const tg_real *pixel = from + at->column[j] + c;
      for (uint32_t i = 0; i < wide; i++) {
        column[i] = i >= at->first_row && i < at->end_row ? tg_v4_load(pixel + at->row[i]) : tg_v4_zero();
      }
      tg_winograd_line(what, line, column);
      for (uint32_t i = 0; i < TG_WINOGRAD_N; i++) half[i * wide + j] = line[i];
    }
    tg_real *out = to + c / 8 * group_step + c % 8;
    TG_NO_UNROLL
    for (uint32_t i = 0; i < TG_WINOGRAD_N; i++) {
      tg_winograd_line(what, line, half + i * wide);
      for (uint32_t j = 0; j < TG_WINOGRAD_N; j++) tg_v4_store(out + (i * TG_WINOGRAD_N + j) * plane, line[j]);
    }
  }
}

void tg_winograd_transform_x(tg_real *to, size_t plane, size_t group_step, const tg_real *x,
                             const tg_winograd_square *at, uint32_t channels) {
  transform(TG_WINOGRAD_BT, to, plane, group_step, x, at, channels);
}

void tg_winograd_transform_dy(tg_real *to, size_t plane, size_t group_step, const tg_real *dy,
                              const tg_winograd_square *at, uint32_t channels) {
  transform(TG_WINOGRAD_A, to, plane, group_step, dy, at, channels);
}
