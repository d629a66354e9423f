#include "kernels/picture.h"

#include "kernels/samples.h"

/* Beyond this, either way, a place is as good as any other: it fits 32 bits, and so does the pixel next to it. */
static const double FAR = 1 << 30;

/* The pixel of 0…n-1 that stands for pixel i; -1: none does. */
static int32_t fold(int32_t i, int32_t n, tg_fill fill) {
  if (i >= 0 && i < n) return i;
  if (fill == TG_FILL_CONSTANT) return -1;
  if (fill == TG_FILL_NEAREST) return i < 0 ? 0 : n - 1;
  if (fill == TG_FILL_WRAP) {
    i %= n;
    return i < 0 ? i + n : i;
  }
  /* Mirrored at the edge of the first pixel, or at its middle; so at the last one, and so on. */
  const int32_t middle = fill == TG_FILL_MIRROR, period = 2 * (n - middle);
  if (i < 0) i = middle - 1 - i;
  if (i >= period) i = period ? i % period : 0; /* a division only far from the picture */
  return i < n ? i : period + middle - 1 - i;
}

static int32_t whole(double place) {
  if (place < -FAR) return (int32_t)-FAR;
  return place > FAR ? (int32_t)FAR : (int32_t)place;
}

/* Where a pixel begins; NOWHERE: it is the filling. */
static const size_t NOWHERE = SIZE_MAX;

TG_INLINE size_t place(const tg_picture *p, int32_t row, int32_t column) {
  return row < 0 || column < 0 ? NOWHERE : ((size_t)row * p->width + (size_t)column) * p->channels;
}

/* Channels c… of a pixel. Samples are of one kind, so that the processor foresees the branch. */
TG_INLINE tg_v4 load_pixel(const tg_picture *p, size_t at, size_t c) {
  if (at == NOWHERE) return tg_v4_splat((tg_real)p->fill_value);
  return p->bytes ? tg_v4_load_u8(p->bytes + at + c) : tg_v4_load_f32(p->floats + at + c);
}

/* Writes channels c… of a pixel, `left` elements before the end; what runs into the next ones is written over. */
TG_INLINE void put(tg_real *y, const tg_picture *p, tg_v4 x, size_t c, size_t left) {
  if (p->scale) x = tg_v4_madd(x, tg_v4_load(p->scale + c), tg_v4_load(p->offset + c));
  tg_v4_store_part(y + c, x, left - c);
}

TG_INLINE tg_v4 mix(tg_v4 a, tg_v4 b, tg_v4 weight) { return tg_v4_madd(tg_v4_sub(b, a), weight, a); }

/* One pixel of the view. */
TG_INLINE void draw_pixel(tg_real *y, const tg_picture *p, double row, double column, size_t left) {
  const double half = p->nearest ? 0.5 : 0, above = floor(row + half), before = floor(column + half);
  const tg_v4 down = tg_v4_splat(p->nearest ? 0 : (tg_real)(row - above));
  const tg_v4 across = tg_v4_splat(p->nearest ? 0 : (tg_real)(column - before));
  const int32_t height = (int32_t)p->height, width = (int32_t)p->width;
  size_t at[4];
  if (above >= 0 && before >= 0 && above < p->height - 1.0 && before < p->width - 1.0) {
    at[0] = place(p, (int32_t)above, (int32_t)before);
    at[1] = at[0] + p->channels;
    at[2] = at[0] + (size_t)p->width * p->channels;
    at[3] = at[2] + p->channels;
  } else {
    const int32_t row_above = whole(above), column_before = whole(before);
    const int32_t rows[2] = {fold(row_above, height, p->fill), fold(row_above + 1, height, p->fill)};
    const int32_t columns[2] = {fold(column_before, width, p->fill), fold(column_before + 1, width, p->fill)};
    for (int i = 0; i < 4; i++) at[i] = place(p, rows[i / 2], columns[i % 2]);
  }
  for (size_t c = 0; c < p->channels; c += 4) {
    const tg_v4 upper = mix(load_pixel(p, at[0], c), load_pixel(p, at[1], c), across);
    const tg_v4 lower = mix(load_pixel(p, at[2], c), load_pixel(p, at[3], c), across);
    put(y, p, mix(upper, lower, down), c, left);
  }
}

void tg_draw_picture(tg_real *y, const tg_picture *p) {
  size_t left = (size_t)p->out_height * p->out_width * p->channels;
  for (uint32_t oy = 0; oy < p->out_height; oy++) {
    const double row = p->row[0] * oy + p->row[2], column = p->column[0] * oy + p->column[2];
    for (uint32_t ox = 0; ox < p->out_width; ox++, y += p->channels, left -= p->channels)
      draw_pixel(y, p, row + p->row[1] * ox, column + p->column[1] * ox, left);
  }
}

/* ---- whole pixels ---- */

int tg_picture_moves(tg_picture *p) {
  if (p->row[1] != 0 || p->column[0] != 0 || fabs(p->row[0]) != 1 || fabs(p->column[1]) != 1) return 0;
  if (p->nearest) {
    p->row[2] = floor(p->row[2] + 0.5);
    p->column[2] = floor(p->column[2] + 0.5);
  }
  return p->row[2] == floor(p->row[2]) && p->column[2] == floor(p->column[2]) && fabs(p->row[2]) < FAR &&
         fabs(p->column[2]) < FAR;
}

void tg_move_picture(tg_real *y, const tg_picture *p) {
  size_t left = (size_t)p->out_height * p->out_width * p->channels;
  int32_t row = (int32_t)p->row[2];
  for (uint32_t oy = 0; oy < p->out_height; oy++, row += (int32_t)p->row[0]) {
    const int32_t from_row = fold(row, (int32_t)p->height, p->fill);
    int32_t column = (int32_t)p->column[2];
    for (uint32_t ox = 0; ox < p->out_width; ox++, y += p->channels, left -= p->channels) {
      const size_t at = place(p, from_row, fold(column, (int32_t)p->width, p->fill));
      for (size_t c = 0; c < p->channels; c += 4) put(y, p, load_pixel(p, at, c), c, left);
      column += (int32_t)p->column[1];
    }
  }
}

/* ---- colours ---- */

/* Channels repeat every `channels` numbers; where 12 is a multiple of that, three vectors hold whole pixels. */
enum { PATTERN = 12, CHUNK = 64 * PATTERN };

typedef struct {
  tg_real add, low, high; /* y * contrast + add, between the ends */
} channel_colors;

static channel_colors colors_of(const tg_colors *colors, double mean, double scale, double offset) {
  const double a = colors->low * scale + offset, b = colors->high * scale + offset;
  return (channel_colors){(tg_real)(mean * (1 - colors->contrast) + colors->brightness * scale),
                          (tg_real)(a < b ? a : b), (tg_real)(a < b ? b : a)};
}

/* sums (12) of y (n), every twelfth number; chunk by chunk, so that floats hold them. */
static void sum_pattern(double sums[PATTERN], const tg_real *y, size_t n) {
  for (size_t i = 0; i < PATTERN; i++) sums[i] = 0;
  size_t i = 0;
  while (i + PATTERN <= n) {
    const size_t end = i + CHUNK < n ? i + CHUNK : n;
    tg_v4 sum[3] = {tg_v4_zero(), tg_v4_zero(), tg_v4_zero()};
    tg_real lanes[PATTERN];
    for (; i + PATTERN <= end; i += PATTERN)
      for (size_t k = 0; k < 3; k++) sum[k] = tg_v4_add(sum[k], tg_v4_load(y + i + 4 * k));
    for (size_t k = 0; k < 3; k++) tg_v4_store(lanes + 4 * k, sum[k]);
    for (size_t k = 0; k < PATTERN; k++) sums[k] += (double)lanes[k];
  }
  for (size_t k = 0; i < n; i++, k++) sums[k] += (double)y[i];
}

static void change_pattern(tg_real *y, size_t n, size_t channels, const channel_colors *each, tg_real contrast) {
  tg_real lanes[3][PATTERN];
  for (size_t i = 0; i < PATTERN; i++) {
    lanes[0][i] = each[i % channels].add;
    lanes[1][i] = each[i % channels].low;
    lanes[2][i] = each[i % channels].high;
  }
  const tg_v4 factor = tg_v4_splat(contrast);
  for (size_t i = 0; i < n; i += PATTERN)
    for (size_t k = 0; k < PATTERN && i + k < n; k += 4) {
      const size_t left = n - i - k;
      tg_v4 v = left >= 4 ? tg_v4_load(y + i + k) : tg_v4_load_part(y + i + k, left, 0);
      v = tg_v4_madd(v, factor, tg_v4_load(lanes[0] + k));
      v = tg_v4_min(tg_v4_max(v, tg_v4_load(lanes[1] + k)), tg_v4_load(lanes[2] + k));
      tg_v4_store_part(y + i + k, v, left);
    }
}

void tg_change_colors(tg_real *y, size_t pixels, uint32_t channels, const tg_real *scale, const tg_real *offset,
                      const tg_colors *colors) {
  const size_t n = pixels * channels;
  if (PATTERN % channels == 0) {
    double sums[PATTERN] = {0};
    channel_colors each[PATTERN];
    if (colors->contrast != 1) sum_pattern(sums, y, n);
    for (uint32_t c = 0; c < channels; c++) {
      double sum = 0;
      for (uint32_t k = c; k < PATTERN; k += channels) sum += sums[k];
      each[c] = colors_of(colors, sum / (double)pixels, scale ? (double)scale[c] : 1, scale ? (double)offset[c] : 0);
    }
    change_pattern(y, n, channels, each, (tg_real)colors->contrast);
    return;
  }
  for (uint32_t c = 0; c < channels; c++) {
    double sum = 0;
    for (size_t i = c; i < n && colors->contrast != 1; i += channels) sum += (double)y[i];
    const channel_colors own =
        colors_of(colors, sum / (double)pixels, scale ? (double)scale[c] : 1, scale ? (double)offset[c] : 0);
    for (size_t i = c; i < n; i += channels) {
      const tg_real v = y[i] * (tg_real)colors->contrast + own.add;
      y[i] = v < own.low ? own.low : v > own.high ? own.high : v;
    }
  }
}

void tg_mix_pictures(tg_real *y, const tg_real *other, tg_real share, size_t n) {
  const tg_v4 weight = tg_v4_splat(share);
  for (size_t i = 0; i < n; i += 4) {
    const size_t left = n - i;
    const tg_v4 a = left >= 4 ? tg_v4_load(y + i) : tg_v4_load_part(y + i, left, 0);
    const tg_v4 b = left >= 4 ? tg_v4_load(other + i) : tg_v4_load_part(other + i, left, 0);
    tg_v4_store_part(y + i, mix(b, a, weight), left);
  }
}
