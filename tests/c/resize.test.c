/* Pictures in another size, through the export: tables, kernel, threads, and what is refused. */
#include "kernels/ref/ref.h"
#include "network.h"
#include "test.h"

enum { PICTURES = 3 };

typedef struct {
  uint32_t height, width;
} size;

static void test_one(size in, size out, uint32_t channels, tg_sample_type type, tg_resize method, uint32_t threads) {
  tg_engine *engine = tg_engine_create(threads, threads);
  /* The first and the last sample of `to` stay as they are. */
  tg_dataset *from = tg_dataset_create(engine, type, PICTURES, in.height, in.width, channels, TG_LABELS_NONE, 0);
  tg_dataset *to = tg_dataset_create(engine, type, PICTURES + 1, out.height, out.width, channels, TG_LABELS_NONE, 0);
  const size_t n = (size_t)in.height * in.width * channels, m = (size_t)out.height * out.width * channels;
  memset(tg_dataset_samples(engine, to), 0, m * (PICTURES + 1) * (type == TG_SAMPLES_U8 ? 1 : sizeof(float)));
  uint8_t *bytes = type == TG_SAMPLES_U8 ? tg_dataset_samples(engine, from) : NULL;
  float *floats = type == TG_SAMPLES_F32 ? tg_dataset_samples(engine, from) : NULL;
  for (size_t i = 0; i < n * PICTURES; i++) {
    if (bytes) bytes[i] = (uint8_t)test_below(256);
    if (floats) floats[i] = (float)test_uniform(-1, 1);
  }
  memset(tg_dataset_samples(engine, to), 0, m * (PICTURES + 1) * (bytes ? 1 : sizeof(float)));
  CHECK(!tg_dataset_resize(engine, to, 1, from, 1, PICTURES - 1, method));
  const uint8_t *found_bytes = tg_dataset_samples(engine, to);
  const float *found_floats = tg_dataset_samples(engine, to);
  double *expected = test_doubles(m);
  for (size_t k = 0; k < PICTURES + 1; k++) {
    const int written = k > 0 && k < PICTURES;
    if (written)
      tg_ref_resample(expected, bytes ? bytes + k * n : NULL, floats ? floats + k * n : NULL, in.height, in.width,
                      out.height, out.width, channels, method != TG_RESIZE_NEAREST, method == TG_RESIZE_ANTIALIAS);
    for (size_t i = 0; i < m; i++) {
      const double right = written ? expected[i] : 0;
      if (bytes) /* nearly a half may become either neighbour */
        CHECK_CLOSE(found_bytes[k * m + i], right, 0.5 + 1e-3);
      else
        CHECK_CLOSE(found_floats[k * m + i], right, method == TG_RESIZE_NEAREST ? 0 : 1e-6);
    }
  }
  test_free_blocks();
  CHECK(!tg_dataset_seal(engine, to));
  CHECK(!tg_dataset_destroy(engine, from));
  CHECK(!tg_dataset_destroy(engine, to));
  CHECK(tg_engine_info(engine, TG_INFO_LIVE_ALLOCATIONS) == 0);
  tg_engine_destroy(engine);
}

/* 1 and 2 come to 1.5 in the middle of two, 2 and 3 to 2.5: both to the even 2. */
static void test_halves(void) {
  tg_engine *engine = tg_engine_create(1, 1);
  tg_dataset *from = tg_dataset_create(engine, TG_SAMPLES_U8, 1, 1, 4, 1, TG_LABELS_NONE, 0);
  tg_dataset *to = tg_dataset_create(engine, TG_SAMPLES_U8, 1, 1, 2, 1, TG_LABELS_NONE, 0);
  memcpy(tg_dataset_samples(engine, from), (uint8_t[4]){1, 2, 2, 3}, 4);
  CHECK(!tg_dataset_resize(engine, to, 0, from, 0, 1, TG_RESIZE_BILINEAR));
  const uint8_t *found = tg_dataset_samples(engine, to);
  CHECK(found[0] == 2 && found[1] == 2);
  tg_engine_destroy(engine);
}

static void test_refused(void) {
  tg_engine *engine = tg_engine_create(1, 1);
  tg_dataset *from = tg_dataset_create(engine, TG_SAMPLES_U8, 3, 4, 4, 3, TG_LABELS_NONE, 0);
  tg_dataset *gray = tg_dataset_create(engine, TG_SAMPLES_U8, 3, 2, 2, 1, TG_LABELS_NONE, 0);
  tg_dataset *floats = tg_dataset_create(engine, TG_SAMPLES_F32, 3, 2, 2, 3, TG_LABELS_NONE, 0);
  tg_dataset *to = tg_dataset_create(engine, TG_SAMPLES_U8, 2, 2, 2, 3, TG_LABELS_NONE, 0);
  CHECK(tg_dataset_resize(engine, gray, 0, from, 0, 1, TG_RESIZE_BILINEAR) == TG_E_SHAPE);
  CHECK(strstr(tg_last_error(engine), "3 channels") && strstr(tg_last_error(engine), "of 1"));
  CHECK(tg_dataset_resize(engine, floats, 0, from, 0, 1, TG_RESIZE_BILINEAR) == TG_E_STATE);
  CHECK(tg_dataset_resize(engine, from, 0, from, 0, 1, TG_RESIZE_BILINEAR) == TG_E_STATE);
  CHECK(tg_dataset_resize(engine, to, 0, from, 0, 3, TG_RESIZE_BILINEAR) == TG_E_CONFIG);
  CHECK(tg_dataset_resize(engine, to, 0, from, 2, 2, TG_RESIZE_BILINEAR) == TG_E_CONFIG);
  CHECK(tg_dataset_resize(engine, to, NAN, from, 0, 1, TG_RESIZE_BILINEAR) == TG_E_CONFIG);
  CHECK(tg_dataset_resize(engine, to, 0, from, 0, 0.5, TG_RESIZE_BILINEAR) == TG_E_CONFIG);
  CHECK(tg_dataset_resize(engine, to, 0, from, 0, 1, (tg_resize)7) == TG_E_CONFIG);
  CHECK(!tg_dataset_resize(engine, to, 1, from, 2, 1, TG_RESIZE_NEAREST));
  tg_engine_destroy(engine);
}

int main(void) {
  static const size sizes[] = {{1, 1}, {1, 5}, {3, 2}, {7, 4}, {8, 8}, {13, 11}};
  enum { SIZES = sizeof sizes / sizeof *sizes };
  for (int in = 0; in < SIZES; in++)
    for (int out = 0; out < SIZES; out++)
      for (uint32_t channels = 1; channels < 6; channels++)
        for (int way = 0; way < 6; way++)
          test_one(sizes[in], sizes[out], channels, way % 2 ? TG_SAMPLES_F32 : TG_SAMPLES_U8, (tg_resize)(way / 2),
                   1 + channels % 3);
  test_halves();
  test_refused();
  return test_report();
}
