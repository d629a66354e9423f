#include "kernels/depthwise_three.h"

#include "kernels/depthwise_columns.h"

/* What a pass has in scratch: the ring, taps of a block of channels, a pixel outside of the image, and results whose
 * channels are no whole vector. */
enum {
  TAPS = TG_THREE * TG_RING_COLUMN,
  OUTSIDE = TAPS + TG_RING_CHANNELS / 4 * TG_TAPS_STEP,
  TAIL = OUTSIDE + TG_RING_CHANNELS,
  TAIL_ROW = 2 * 4
};
_Static_assert(TAIL + TAIL_ROW * TG_ROWS_BACK <= TG_DEPTHWISE_SCRATCH, "the scratch of depthwise convolutions");

typedef void (*tile_task)(tg_real *to, const tg_column_tile *t);

/* A pass over one image. dw is NULL, or what the products with `to`, which is dy, are added to; `back` is whether it
 * goes back to a stride of 2. */
typedef struct {
  const tg_three *t;
  tg_real *to, *dw;
  tile_task task;
  uint32_t known;         /* columns that the tile before read, of those of the ring */
  uint32_t rows, columns; /* of a tile */
  uint32_t row_first, row_end;
  int back;
} pass;

/* The block's weights, or sums, and where results begin; and sums back. */
static void load_taps(const pass *s, size_t channel, size_t channels) {
  const tg_three *t = s->t;
  for (size_t c = 0; c < channels; c += 4) {
    tg_real *to = t->scratch + TAPS + c / 4 * TG_TAPS_STEP;
    for (uint32_t i = 0; i < TG_TAPS; i++, to += 4) {
      const tg_real *from = s->dw ? s->dw + i * t->channels : t->w + (t->flipped ? TG_TAPS - 1 - i : i) * t->channels;
      tg_v4_store(to, tg_v4_load_part(from + channel + c, channels - c, 0));
    }
    tg_v4_store(to, t->bias ? tg_v4_load_part(t->bias + channel + c, channels - c, 0) : tg_v4_zero());
    tg_v4_store(to + 4, tg_v4_splat(t->relu ? 0 : -INFINITY));
  }
}

static void store_taps(const pass *s, size_t channel, size_t channels) {
  for (size_t c = 0; s->dw && c < channels; c += 4)
    for (uint32_t i = 0; i < TG_TAPS; i++)
      tg_v4_store_part(s->dw + i * s->t->channels + channel + c,
                       tg_v4_load(s->t->scratch + TAPS + c / 4 * TG_TAPS_STEP + 4 * i), channels - c);
}

/* The tile's whole vectors of channels, then what is left of them. */
static void run_tile(tg_real *to, const pass *s, tg_column_tile *t, size_t channels) {
  t->channels = s->dw ? channels : channels / 4 * 4;
  s->task(to, t);
  const size_t done = t->channels;
  if (done >= channels) return;
  tg_column_tile rest = *t;
  for (uint32_t i = 0; i < TG_THREE; i++) {
    rest.columns[i].from += done;
    rest.columns[i].ring += done;
  }
  rest.taps += done / 4 * TG_TAPS_STEP;
  rest.channels = rest.to_step = 4;
  rest.to_line = TAIL_ROW;
  tg_real *tail = s->t->scratch + TAIL;
  s->task(tail, &rest);
  for (uint32_t row = 0; row < t->rows - (uint32_t)t->skip_row; row++)
    for (int i = t->skip_column; i < (int)t->columns_end; i++)
      tg_v4_store_part(to + row * t->to_line + i * t->to_step + done, tg_v4_load(tail + row * TAIL_ROW + i * 4),
                       channels - done);
}

/* Rows `row` to row + rows - 1 of the result, channels of one block. */
static void run_row(const pass *s, uint32_t row, uint32_t rows, size_t channel, size_t channels) {
  const tg_three *t = s->t;
  const int back = s->back;
  const uint32_t stride = back ? 1 : t->stride;
  const int64_t reached = row + t->pad_top, height = t->height;
  const int skip_row = back && reached % 2;
  const int64_t top = back ? (reached >> 1) - 1 : (int64_t)row * stride - t->pad_top, first = top < 0 ? -top : 0;
  /* The last row that the results see, and which of them it and the one above begin. */
  const int64_t all = back ? TG_ROWS_BACK / 2 + 1 : (rows - 1) * stride + TG_THREE;
  int64_t end = height - top < all ? height - top : all;
  if (end < first) end = first;
  tg_column_tile tile = {.to_line = t->to_width * t->channels,
                         .to_step = t->channels,
                         .taps = t->scratch + TAPS,
                         .first = (uint32_t)first,
                         .end = (uint32_t)end,
                         .rows = rows + skip_row,
                         .skip_row = skip_row,
                         .columns_end = 1};
  for (int i = 0; i < 2; i++) {
    const int64_t begin = end - 2 + i;
    tile.ends[i] = begin >= 0 && begin % stride == 0 && begin / stride < rows && begin + 2 >= end;
  }
  const tg_real *from = t->from + (size_t)(top + first) * t->width * t->channels + channel;
  int64_t left = back ? (t->pad_left >> 1) - 1 : -t->pad_left; /* of the columns seen */
  int64_t column = back ? -(t->pad_left % 2) : 0;              /* of the result */
  int is_first = 1;
  for (uint32_t slot = 0; column < (int64_t)t->to_width; column += s->columns, left += stride, slot += stride) {
    if (slot >= TG_THREE) slot -= TG_THREE;
    for (uint32_t k = 0; k < TG_THREE; k++) {
      const int64_t at = left + k;
      const int inside = at >= 0 && at < (int64_t)t->width;
      tg_column *c = &tile.columns[k];
      c->from = inside ? from + (size_t)at * t->channels : t->scratch + OUTSIDE;
      c->line = inside ? t->width * t->channels : 0;
      c->ring = t->scratch + (slot + k) % TG_THREE * TG_RING_COLUMN;
      if (is_first && k < s->known) tg_columns_read(&tile, c, channels);
    }
    is_first = 0;
    if (back) {
      tile.skip_column = column < 0;
      tile.columns_end = t->to_width - column < 2 ? 1 : 2;
    }
    run_tile(s->to + ((int64_t)row * t->to_width + column) * (int64_t)t->channels + (int64_t)channel, s, &tile,
             channels);
  }
}

static void run(const pass *s) {
  const size_t C = s->t->channels;
  tg_clear(s->t->scratch + OUTSIDE, TG_RING_CHANNELS);
  for (size_t c = 0; c < C; c += TG_RING_CHANNELS) {
    const size_t channels = C - c < TG_RING_CHANNELS ? C - c : TG_RING_CHANNELS;
    load_taps(s, c, channels);
    for (uint32_t row = s->row_first, rows; row < s->row_end; row += rows) {
      const uint32_t most = s->rows - (s->back && (row + s->t->pad_top) % 2);
      rows = s->row_end - row < most ? s->row_end - row : most;
      run_row(s, row, rows, c, channels);
    }
    store_taps(s, c, channels);
  }
}

/* Of a tile's tasks with a stride of 1, with 2, and with 2 over many channels. */
typedef struct {
  tile_task one, two, two_wide;
} tasks;

static void set_task(pass *s, const tasks *of) {
  const int one = s->t->stride == 1, wide = s->t->channels > TG_FEW_CHANNELS;
  s->task = one ? of->one : wide ? of->two_wide : of->two;
  s->known = one ? 2 : wide;
  s->rows = s->back ? TG_ROWS_BACK : one ? TG_ROWS_ONE : TG_ROWS_TWO;
  s->columns = s->back ? 2 : 1;
}

void tg_three_gather(tg_real *to, const tg_three *t, uint32_t row_first, uint32_t row_end) {
  pass s = {.t = t, .to = to, .row_first = row_first, .row_end = row_end};
  set_task(&s, &(tasks){tg_columns_gather_one, tg_columns_gather_two, tg_columns_gather_two_wide});
  run(&s);
}

void tg_three_scatter(tg_real *to, const tg_three *t, uint32_t row_first, uint32_t row_end) {
  pass s = {.t = t, .to = to, .row_first = row_first, .row_end = row_end, .back = 1};
  set_task(&s, &(tasks){NULL, tg_columns_back, tg_columns_back_wide});
  run(&s);
}

uint32_t tg_three_filter_gradient(tg_real *dw, const tg_three *t, const tg_real *dy, uint32_t row_first,
                                  uint32_t row_end) {
  pass s = {.t = t, .to = (tg_real *)dy, .dw = dw, .row_first = row_first};
  set_task(&s, &(tasks){tg_columns_add_one, tg_columns_add_two, tg_columns_add_two_wide});
  s.row_end = row_first + (row_end - row_first) / s.rows * s.rows;
  run(&s);
  return s.row_end;
}
