#include "kernels/resize2d.h"

#include "kernels/simd.h"

/* The two cells along one axis between which a cell of the output lies, and the second one's weight. */
typedef struct {
  uint32_t first, second;
  tg_real weight;
} between;

static between find(uint32_t at, uint32_t in, uint32_t size, int bilinear) {
  if (!bilinear) return (between){at / size, at / size, 0};
  /* (at + 1/2) / size - 1/2 in whole numbers, twice `size` parts a cell. */
  int64_t parts = 2 * (int64_t)at + 1 - size, cell = 2 * (int64_t)size;
  if (parts < 0) parts = 0;
  uint32_t first = (uint32_t)(parts / cell);
  return (between){first, first + 1 < in ? first + 1 : first, (tg_real)(parts % cell) / (tg_real)cell};
}

TG_INLINE tg_v4 load4(const tg_real *p, size_t left) { return left >= 4 ? tg_v4_load(p) : tg_v4_load_part(p, left, 0); }

TG_INLINE tg_v4 mix(tg_v4 a, tg_v4 b, tg_v4 weight) { return tg_v4_madd(tg_v4_sub(b, a), weight, a); }

void tg_resize2d(tg_real *y, const tg_real *x, const tg_resize2d_shape *s) {
  const size_t C = s->channels, row_size = s->in_w * C;
  for (uint32_t oh = 0; oh < s->in_h * s->size_h; oh++) {
    const between v = find(oh, s->in_h, s->size_h, s->bilinear);
    const tg_real *above = x + v.first * row_size, *below = x + v.second * row_size;
    for (uint32_t ow = 0; ow < s->in_w * s->size_w; ow++, y += C) {
      const between h = find(ow, s->in_w, s->size_w, s->bilinear);
      const size_t left = h.first * C, right = h.second * C;
      if (!s->bilinear) {
        tg_copy(y, above + left, C);
        continue;
      }
      const tg_v4 across = tg_v4_splat(h.weight), down = tg_v4_splat(v.weight);
      for (size_t c = 0; c < C; c += 4) {
        const size_t rest = C - c;
        tg_v4 top = mix(load4(above + left + c, rest), load4(above + right + c, rest), across);
        tg_v4 bottom = mix(load4(below + left + c, rest), load4(below + right + c, rest), across);
        tg_v4_store_part(y + c, mix(top, bottom, down), rest);
      }
    }
  }
}

/* dx (n) += dy (n) * weight. */
TG_INLINE void add_scaled(tg_real *dx, const tg_real *dy, tg_real weight, size_t n) {
  const tg_v4 w = tg_v4_splat(weight);
  for (size_t c = 0; c < n; c += 4)
    tg_v4_store_part(dx + c, tg_v4_add(load4(dx + c, n - c), tg_v4_mul(load4(dy + c, n - c), w)), n - c);
}

void tg_resize2d_backward(tg_real *dx, const tg_real *dy, const tg_resize2d_shape *s) {
  const size_t C = s->channels, row_size = s->in_w * C;
  tg_clear(dx, s->in_h * row_size);
  for (uint32_t oh = 0; oh < s->in_h * s->size_h; oh++) {
    const between v = find(oh, s->in_h, s->size_h, s->bilinear);
    tg_real *above = dx + v.first * row_size, *below = dx + v.second * row_size;
    for (uint32_t ow = 0; ow < s->in_w * s->size_w; ow++, dy += C) {
      const between h = find(ow, s->in_w, s->size_w, s->bilinear);
      add_scaled(above + h.first * C, dy, (1 - v.weight) * (1 - h.weight), C);
      if (!s->bilinear) continue;
      add_scaled(above + h.second * C, dy, (1 - v.weight) * h.weight, C);
      add_scaled(below + h.first * C, dy, v.weight * (1 - h.weight), C);
      add_scaled(below + h.second * C, dy, v.weight * h.weight, C);
    }
  }
}
