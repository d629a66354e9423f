#include "kernels/depthwise_rows.h"

/* Reals that a band of rows reads and writes: 512 KB, which stay in the second-level cache while channels take turns.
 */
enum { BAND_REALS = 131072 };

/* Makes the rows from `top` on those at work: later ones take the places of earlier ones. */
static void move_to(tg_frame *f, const tg_three *t, const tg_part *p, int64_t top) {
  if (f->next < top) f->next = top;
  for (; f->next < top + p->rows; f->next++) {
    tg_three_copy_row(f->rows[f->slot], t, p, f->next);
    f->slot = f->slot + 1 == p->rows ? 0 : f->slot + 1;
  }
  for (uint32_t r = 0, slot = f->slot; r < p->rows; r++) {
    f->at[r] = f->rows[slot];
    slot = slot + 1 == p->rows ? 0 : slot + 1;
  }
}

/* Brings n reals into the caches in the order in which they lie: a cache line of each pixel comes more slowly, and so
 * does a line now and then between other work. */
static void touch(const tg_real *p, size_t n) {
  for (size_t i = 0; i < n; i += TG_LINE) (void)*(const volatile tg_real *)(p + i);
}

/* A pass over one image. dw is NULL, or what the products with `to`, which is dy, are added to; `odd` is what scatters
 * to every second row, or NULL. */
typedef struct {
  const tg_three *t;
  tg_real *to, *dw;
  tg_line_task line, odd;
} pass;

/* The part's weights, or what there is of their gradient; and that back. */
static void load_taps(tg_frame *f, const pass *s, const tg_part *p) {
  const tg_three *t = s->t;
  const tg_real *w = (s->dw ? s->dw : t->w) + p->channel;
  const size_t n = (size_t)t->kernel_h * TG_THREE;
  for (size_t i = 0; i < n; i++) tg_copy(f->taps[i], w + (t->flipped ? n - 1 - i : i) * t->channels, p->channels);
  if (t->bias) tg_copy(f->bias, t->bias + p->channel, p->channels);
}

static void store_taps(const tg_frame *f, const pass *s, const tg_part *p) {
  for (size_t i = 0; s->dw && i < (size_t)s->t->kernel_h * TG_THREE; i++)
    tg_copy(s->dw + i * s->t->channels + p->channel, f->taps[i], p->channels);
}

/* The first row that a row of the result sees, maybe outside. */
static int64_t top_of(const pass *s, uint32_t row) {
  return s->odd ? (row + s->t->pad_top) / 2 - 1 : (int64_t)row * s->t->stride_h - s->t->pad_top;
}

/* Which columns of the image the part's results see. */
static void find_columns(tg_part *p, const pass *s) {
  const tg_three *t = s->t;
  int64_t left;
  if (s->odd) {
    const int64_t reached = p->column + t->pad_left;
    left = reached / 2 - 1;
    p->skip = reached % 2 != 0;
    p->read = (uint32_t)((reached + p->columns - 1) / 2 - left + 1);
  } else {
    /* A tile is read whole. */
    left = (int64_t)p->column * t->stride_w - t->pad_left;
    p->read = ((p->columns < TG_DEPTHWISE_TILE ? TG_DEPTHWISE_TILE : p->columns) - 1) * t->stride_w + TG_THREE;
  }
  const int64_t behind = (int64_t)t->width - left;
  p->first = left >= 0 ? 0 : -left < p->read ? (uint32_t)-left : p->read;
  p->end = behind < p->first ? p->first : behind < p->read ? (uint32_t)behind : p->read;
  p->from = (size_t)(left + p->first) * t->channels + p->channel;
}

static void run_part(tg_frame *f, const pass *s, const tg_part *p, uint32_t row_first, uint32_t row_end) {
  const tg_three *t = s->t;
  for (uint32_t r = 0; r < TG_THREE; r++) tg_clear(f->rows[r], (size_t)p->read * TG_LINE);
  f->next = INT64_MIN;
  f->slot = 0;
  for (uint32_t row = row_first; row < row_end; row++) {
    move_to(f, t, p, top_of(s, row));
    const tg_line_task task = s->odd && (row + t->pad_top) % 2 ? s->odd : s->line;
    task(s->to + ((size_t)row * t->to_width + p->column) * t->channels + p->channel, t->channels, f, p);
  }
}

static void touch_band(const pass *s, uint32_t first, uint32_t end, uint32_t rows) {
  const tg_three *t = s->t;
  const size_t line = t->width * t->channels, to_line = t->to_width * t->channels;
  const int64_t top = top_of(s, first), bottom = top_of(s, end - 1) + rows, height = t->height;
  const int64_t row = top < 0 ? 0 : top, row_end = bottom > height ? height : bottom;
  touch(s->to + first * to_line, (end - first) * to_line);
  if (row < row_end) touch(t->from + (size_t)row * line, (size_t)(row_end - row) * line);
}

static void run(const pass *s, uint32_t row_first, uint32_t row_end) {
  const tg_three *t = s->t;
  const size_t C = t->channels, reals = C * ((s->odd ? 1 : t->stride_h) * t->width + t->to_width);
  const uint32_t most = s->odd ? 2 * (TG_FRAME_COLUMNS - 2) : (TG_FRAME_COLUMNS - TG_THREE) / t->stride_w + 1;
  const uint32_t parts = (t->to_width - 1) / most + 1, columns = (t->to_width - 1) / parts + 1;
  const uint32_t rows = s->odd ? 2 : t->kernel_h, band = reals < BAND_REALS ? (uint32_t)(BAND_REALS / reals) : 1;
  /* As many tiles of seven are no more to compute. */
  const uint32_t tiles = (t->to_width - 1) / TG_DEPTHWISE_TILE + 1;
  const int is_short = t->stride_w == 2 || tiles * TG_DEPTHWISE_SHORT_TILE >= t->to_width;
  const uint32_t tile = is_short ? TG_DEPTHWISE_SHORT_TILE : TG_DEPTHWISE_TILE;
  tg_frame f;
  tg_clear(f.bias, TG_LINE);
  tg_v4_store(f.least, tg_v4_splat(t->relu ? 0 : -INFINITY));
  for (uint32_t first = row_first; first < row_end; first += band) {
    const uint32_t end = row_end - first < band ? row_end : first + band;
    touch_band(s, first, end, rows);
    for (size_t c = 0; c < C; c += TG_LINE) {
      tg_part p = {.channel = c,
                   .channels = C - c < TG_LINE ? C - c : TG_LINE,
                   .rows = rows,
                   .stride = t->stride_w,
                   .tile = tile};
      load_taps(&f, s, &p);
      for (p.column = 0; p.column < t->to_width; p.column += columns) {
        p.columns = t->to_width - p.column < columns ? t->to_width - p.column : columns;
        find_columns(&p, s);
        run_part(&f, s, &p, first, end);
      }
      store_taps(&f, s, &p);
    }
  }
}

void tg_three_gather(tg_real *to, const tg_three *t, uint32_t row_first, uint32_t row_end) {
  run(&(pass){.t = t, .to = to, .line = tg_three_gather_line}, row_first, row_end);
}

void tg_three_scatter(tg_real *to, const tg_three *t, uint32_t row_first, uint32_t row_end) {
  run(&(pass){.t = t, .to = to, .line = tg_three_scatter_line_two, .odd = tg_three_scatter_line_one}, row_first,
      row_end);
}

void tg_three_filter_gradient(tg_real *dw, const tg_three *t, const tg_real *dy, uint32_t row_first, uint32_t row_end) {
  run(&(pass){.t = t, .to = (tg_real *)dy, .dw = dw, .line = tg_three_add_line}, row_first, row_end);
}
