#include "kernels/resample.h"

#include "kernels/samples.h"

/* row (n) = the weighted sum of `taps` rows of x, which lie n apart. */
TG_INLINE void combine_rows(tg_real *row, const uint8_t *bytes, const float *floats, size_t n, const tg_real *weights,
                            uint32_t taps) {
  for (size_t i = 0; i < n; i += 4) {
    tg_v4 sum = tg_v4_zero();
    for (uint32_t t = 0; t < taps; t++)
      sum = tg_v4_madd(tg_load_sample(bytes, floats, t * n + i, n - i), tg_v4_splat(weights[t]), sum);
    tg_v4_store(row + i, sum); /* there is room beyond n */
  }
}

/* One line of the output, of a row that is combined; `left` elements of the picture are still to be written. */
TG_INLINE void combine_columns(uint8_t *bytes, float *floats, const tg_real *row, const tg_resample_axis *columns,
                               uint32_t channels, size_t left) {
  for (uint32_t x = 0; x < columns->out; x++) {
    const tg_real *from = row + (size_t)columns->first[x] * channels;
    const tg_real *weights = columns->weights + (size_t)x * columns->taps;
    for (size_t c = 0; c < channels; c += 4) {
      const size_t at = (size_t)x * channels + c;
      tg_v4 sum = tg_v4_zero();
      for (uint32_t t = 0; t < columns->taps; t++)
        sum = tg_v4_madd(tg_v4_load(from + t * (size_t)channels + c), tg_v4_splat(weights[t]), sum);
      tg_store_sample(bytes, floats, at, sum, left - at); /* what runs into the next pixels is written over by them */
    }
  }
}

TG_INLINE void resample(uint8_t *y_bytes, float *y_floats, const uint8_t *bytes, const float *floats,
                        const tg_resample_axis *rows, const tg_resample_axis *columns, uint32_t channels,
                        tg_real *row) {
  const size_t in = (size_t)columns->in * channels, out = (size_t)columns->out * channels;
  for (uint32_t y = 0; y < rows->out; y++) {
    const size_t from = rows->first[y] * in, to = y * out;
    combine_rows(row, bytes ? bytes + from : NULL, floats ? floats + from : NULL, in,
                 rows->weights + (size_t)y * rows->taps, rows->taps);
    combine_columns(y_bytes ? y_bytes + to : NULL, y_floats ? y_floats + to : NULL, row, columns, channels,
                    (rows->out - y) * out);
  }
}

void tg_resample_u8(uint8_t *y, const uint8_t *x, const tg_resample_axis *rows, const tg_resample_axis *columns,
                    uint32_t channels, tg_real *row) {
  resample(y, NULL, x, NULL, rows, columns, channels, row);
}

void tg_resample_f32(float *y, const float *x, const tg_resample_axis *rows, const tg_resample_axis *columns,
                     uint32_t channels, tg_real *row) {
  resample(NULL, y, NULL, x, rows, columns, channels, row);
}
