#include "kernels/gather.h"

#include "kernels/samples.h"

/* Scale and offset repeat every `channels` elements. Over 12 lanes a period of 1, 2, 3, 4, 6 or 12 comes out even, so
 * three vectors of each serve the whole sample; other channel counts go pixel by pixel. */
enum { PATTERN = 12 };

typedef struct {
  tg_v4 scale[3], offset[3];
} pattern;

static int fits_pattern(uint32_t channels) { return channels > 0 && PATTERN % channels == 0; }

static pattern make_pattern(const tg_real *scale, const tg_real *offset, uint32_t channels) {
  tg_real s[PATTERN], o[PATTERN];
  for (uint32_t i = 0; i < PATTERN; i++) {
    s[i] = scale[i % channels];
    o[i] = offset[i % channels];
  }
  pattern p;
  for (size_t i = 0; i < 3; i++) {
    p.scale[i] = tg_v4_load(s + 4 * i);
    p.offset[i] = tg_v4_load(o + 4 * i);
  }
  return p;
}

/* y (size) = one sample (bytes or floats), normalised by the pattern. */
TG_INLINE void gather_pattern(tg_real *y, const uint8_t *bytes, const float *floats, size_t size, const pattern *p) {
  size_t i = 0;
  for (; i + PATTERN <= size; i += PATTERN) {
    tg_v4_store(y + i, tg_v4_madd(tg_load_sample(bytes, floats, i, 4), p->scale[0], p->offset[0]));
    tg_v4_store(y + i + 4, tg_v4_madd(tg_load_sample(bytes, floats, i + 4, 4), p->scale[1], p->offset[1]));
    tg_v4_store(y + i + 8, tg_v4_madd(tg_load_sample(bytes, floats, i + 8, 4), p->scale[2], p->offset[2]));
  }
  for (size_t part = 0; i < size; i += 4, part++) {
    tg_v4 v = tg_v4_madd(tg_load_sample(bytes, floats, i, size - i), p->scale[part], p->offset[part]);
    tg_v4_store_part(y + i, v, size - i);
  }
}

TG_INLINE void gather_pixels(tg_real *y, const uint8_t *bytes, const float *floats, size_t size, uint32_t channels,
                             const tg_real *scale, const tg_real *offset) {
  for (size_t pixel = 0; pixel < size; pixel += channels) {
    /* A vector that runs into the next pixel writes there what that one's own vectors write over. */
    const int last = pixel + channels == size;
    for (size_t c = 0; c < channels; c += 4) {
      const size_t left = last ? channels - c : 4;
      const tg_v4 x = tg_load_sample(bytes, floats, pixel + c, left);
      tg_v4_store_part(y + pixel + c, tg_v4_madd(x, tg_v4_load(scale + c), tg_v4_load(offset + c)), left);
    }
  }
}

void tg_gather_u8(tg_real *y, const uint8_t *samples, const uint32_t *order, uint32_t n, size_t size, uint32_t channels,
                  const tg_real *scale, const tg_real *offset) {
  /* y (n, size), samples (…, size), order (n), scale (channels), offset (channels) */
  if (fits_pattern(channels)) {
    const pattern p = make_pattern(scale, offset, channels);
    for (uint32_t i = 0; i < n; i++) gather_pattern(y + i * size, samples + order[i] * size, NULL, size, &p);
  } else {
    for (uint32_t i = 0; i < n; i++) {
      gather_pixels(y + i * size, samples + order[i] * size, NULL, size, channels, scale, offset);
    }
  }
}

void tg_gather_f32(tg_real *y, const float *samples, const uint32_t *order, uint32_t n, size_t size, uint32_t channels,
                   const tg_real *scale, const tg_real *offset) {
  /* y (n, size), samples (…, size), order (n), scale (channels), offset (channels) */
  if (!scale) {
    for (uint32_t i = 0; i < n; i++) {
      const float *from = samples + order[i] * size;
      for (size_t j = 0; j < size; j++) y[i * size + j] = from[j];
    }
  } else if (fits_pattern(channels)) {
    const pattern p = make_pattern(scale, offset, channels);
    for (uint32_t i = 0; i < n; i++) gather_pattern(y + i * size, NULL, samples + order[i] * size, size, &p);
  } else {
    for (uint32_t i = 0; i < n; i++) {
      gather_pixels(y + i * size, NULL, samples + order[i] * size, size, channels, scale, offset);
    }
  }
}
