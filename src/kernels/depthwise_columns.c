#include "kernels/depthwise_columns.h"

#include "kernels/gemm_tile.h"

/* Four channels of a tile. */
typedef struct {
  tg_column columns[TG_THREE];
  tg_v4 taps[TG_TAPS], start, least;
  tg_v4 three[TG_THREE]; /* results, or pixels of dy, that see the row at work: the one on its lower end first */
  tg_real *to;
  size_t to_line;
  uint32_t first, end;
} state;

TG_INLINE void load_state(state *s, tg_real *to, const tg_column_tile *t, size_t channel) {
  const tg_real *taps = t->taps + channel / 4 * TG_TAPS_STEP;
  for (uint32_t i = 0; i < TG_THREE; i++) {
    s->columns[i] = t->columns[i];
    s->columns[i].from += channel;
    s->columns[i].ring += channel;
  }
  for (uint32_t i = 0; i < TG_TAPS; i++) s->taps[i] = tg_v4_load(taps + 4 * i);
  s->start = tg_v4_load(taps + TG_START);
  s->least = tg_v4_load(taps + TG_LEAST);
  for (uint32_t i = 0; i < TG_THREE; i++) s->three[i] = s->start;
  s->to = to + channel;
  s->to_line = t->to_line;
  s->first = t->first;
  s->end = t->end;
}

/* Row r of column k of those that a tile sees. What the tile before has read comes from the ring, if there is one; what
 * the next one reads again goes to it. */
TG_INLINE tg_v4 pixel(state *s, const int ring, const uint32_t seen, const uint32_t step, const uint32_t k,
                      const uint32_t r) {
  tg_column *c = &s->columns[k];
  if (ring && k < seen - step) return tg_v4_load(c->ring + r * TG_RING_ROW);
  const tg_v4 x = tg_v4_load(c->from);
  c->from += c->line;
  if (ring && k >= step) tg_v4_store(c->ring + r * TG_RING_ROW, x);
  return x;
}

void tg_columns_read(const tg_column_tile *t, const tg_column *c, size_t channels) {
  const tg_real *from = c->from;
  for (uint32_t r = t->first; r < t->end; r++, from += c->line) tg_copy(c->ring + r * TG_RING_ROW, from, channels);
}

/* Rows of the kernel that row r of x meets, in a tile of `rows` results. */
TG_INLINE int meets(const uint32_t r, const uint32_t row, const uint32_t stride, const uint32_t rows) {
  return r >= row && (r - row) % stride == 0 && (r - row) / stride < rows;
}

TG_INLINE void put(state *s, tg_v4 sum) {
  tg_v4_store(s->to, tg_v4_max(sum, s->least));
  s->to += s->to_line;
}

/* What row r of x adds; whether it is the last one. To end after any row is also what keeps V8 from putting all sums
 * off, for which it has not enough registers. */
TG_INLINE int gather_row(state *s, const int ring, const uint32_t stride, const uint32_t r) {
  const uint32_t rows = stride == 1 ? TG_ROWS_ONE : TG_ROWS_TWO;
  if (r % stride == 0) s->three[2] = s->start;
  if (r >= 2 || r >= s->first) {
    for (uint32_t k = 0; k < TG_THREE; k++) {
      const tg_v4 x = pixel(s, ring, TG_THREE, stride, k, r);
      for (uint32_t row = TG_THREE; row-- > 0;)
        if (meets(r, row, stride, rows))
          s->three[2 - row] = tg_v4_madd(x, s->taps[row * TG_THREE + k], s->three[2 - row]);
    }
  }
  if (meets(r, 2, stride, rows)) put(s, s->three[0]);
  s->three[0] = s->three[1];
  s->three[1] = s->three[2];
  return s->end == r + 1;
}

TG_INLINE void gather(tg_real *to, const tg_column_tile *t, const int ring, const uint32_t stride) {
  TG_NO_UNROLL
  for (size_t c = 0; c < t->channels; c += 4) {
    state s;
    load_state(&s, to, t, c);
    (void)(gather_row(&s, ring, stride, 0) || gather_row(&s, ring, stride, 1) || gather_row(&s, ring, stride, 2) ||
           gather_row(&s, ring, stride, 3) || gather_row(&s, ring, stride, 4) || gather_row(&s, ring, stride, 5) ||
           gather_row(&s, ring, stride, 6) || gather_row(&s, ring, stride, 7) || gather_row(&s, ring, stride, 8));
    if (t->ends[0]) put(&s, s.three[0]);
    if (t->ends[1]) put(&s, s.three[1]);
  }
}

void tg_columns_gather_one(tg_real *to, const tg_column_tile *t) { gather(to, t, 1, 1); }
void tg_columns_gather_two(tg_real *to, const tg_column_tile *t) { gather(to, t, 0, 2); }
void tg_columns_gather_two_wide(tg_real *to, const tg_column_tile *t) { gather(to, t, 1, 2); }

TG_INLINE int add_row(state *s, const int ring, const uint32_t stride, const uint32_t r) {
  const uint32_t rows = stride == 1 ? TG_ROWS_ONE : TG_ROWS_TWO;
  if (meets(r, 0, stride, rows)) {
    s->three[2] = tg_v4_load(s->to);
    s->to += s->to_line;
  }
  if (r >= 2 || r >= s->first) {
    for (uint32_t k = 0; k < TG_THREE; k++) {
      const tg_v4 x = pixel(s, ring, TG_THREE, stride, k, r);
      for (uint32_t row = 0; row < TG_THREE; row++)
        if (meets(r, row, stride, rows))
          s->taps[row * TG_THREE + k] = tg_v4_madd(x, s->three[2 - row], s->taps[row * TG_THREE + k]);
    }
  }
  s->three[0] = s->three[1];
  s->three[1] = s->three[2];
  return s->end == r + 1;
}

TG_INLINE void add(tg_real *dy, const tg_column_tile *t, const int ring, const uint32_t stride) {
  TG_NO_UNROLL
  for (size_t c = 0; c < t->channels; c += 4) {
    state s;
    load_state(&s, dy, t, c);
    (void)(add_row(&s, ring, stride, 0) || add_row(&s, ring, stride, 1) || add_row(&s, ring, stride, 2) ||
           add_row(&s, ring, stride, 3) || add_row(&s, ring, stride, 4) || add_row(&s, ring, stride, 5) ||
           add_row(&s, ring, stride, 6) || add_row(&s, ring, stride, 7) || add_row(&s, ring, stride, 8));
    for (uint32_t i = 0; i < TG_TAPS; i++) tg_v4_store(t->taps + c / 4 * TG_TAPS_STEP + 4 * i, s.taps[i]);
  }
}

void tg_columns_add_one(tg_real *dy, const tg_column_tile *t) { add(dy, t, 1, 1); }
void tg_columns_add_two(tg_real *dy, const tg_column_tile *t) { add(dy, t, 0, 2); }
void tg_columns_add_two_wide(tg_real *dy, const tg_column_tile *t) { add(dy, t, 1, 2); }

/* Row r of dy and the row above it give two rows of two columns. */
TG_INLINE int back_row(state *s, const tg_column_tile *t, const int ring, const uint32_t r) {
  const tg_v4 *w = s->taps, above_left = s->three[0], above = s->three[1];
  tg_v4 left = tg_v4_zero(), here = left;
  if (r - s->first < s->end - s->first) {
    left = pixel(s, ring, 2, 1, 0, r);
    here = pixel(s, ring, 2, 1, 1, r);
  }
  s->three[0] = left;
  s->three[1] = here;
  if (r == 0) return 0;
  const uint32_t row = 2 * (r - 1);
  const int first = !t->skip_column, second = t->columns_end > 1;
  if (r > 1 || !t->skip_row) {
    if (first) {
      const tg_v4 upper = tg_v4_madd(above, w[6], tg_v4_mul(above_left, w[8]));
      tg_v4_store(s->to, tg_v4_madd(here, w[0], tg_v4_madd(left, w[2], upper)));
    }
    if (second) tg_v4_store(s->to + t->to_step, tg_v4_madd(here, w[1], tg_v4_mul(above, w[7])));
    s->to += s->to_line;
  }
  if (t->rows == row + 1) return 1;
  if (first) tg_v4_store(s->to, tg_v4_madd(here, w[3], tg_v4_mul(left, w[5])));
  if (second) tg_v4_store(s->to + t->to_step, tg_v4_mul(here, w[4]));
  s->to += s->to_line;
  return t->rows == row + 2;
}

TG_INLINE void back(tg_real *to, const tg_column_tile *t, const int ring) {
  TG_NO_UNROLL
  for (size_t c = 0; c < t->channels; c += 4) {
    state s;
    load_state(&s, to, t, c);
    (void)(back_row(&s, t, ring, 0) || back_row(&s, t, ring, 1) || back_row(&s, t, ring, 2) ||
           back_row(&s, t, ring, 3) || back_row(&s, t, ring, 4));
  }
}

void tg_columns_back(tg_real *to, const tg_column_tile *t) { back(to, t, 0); }
void tg_columns_back_wide(tg_real *to, const tg_column_tile *t) { back(to, t, 1); }
