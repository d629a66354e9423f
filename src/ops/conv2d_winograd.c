#include "conv2d_winograd.h"

#include "../size.h"

/* Pieces of a section for each thread that works: few enough to cost nothing, many enough to even out a noisy machine.
 */
enum { PIECES = 4 };

static uint32_t pieces(uint32_t width) { return width == 1 ? 1 : PIECES * width; }

/* How many of `all` one piece takes. */
static uint32_t share(uint32_t all, uint32_t width) { return tg_ceil_div(all, tg_min(pieces(width), all)); }

static uint32_t tiles_an_image(const tg_winograd *g) { return g->tiles_h * g->tiles_w; }

/* One parallel section. Each use fills what its pieces read. */
typedef struct {
  const tg_winograd *g;
  const tg_buffers *b;
  const tg_real *bias;
  tg_real *packed, *scratch;
  size_t scratch_size; /* of one thread */
  uint32_t all, share, block, groups;
  tg_winograd_filter filter;
  uint32_t chunk_first, chunk_count;
} section;

static void run_pieces(const tg_run *run, section *s, uint32_t all, uint32_t each,
                       void (*piece)(void *, uint32_t, uint32_t)) {
  s->all = all;
  s->share = each;
  tg_pool_run(run->pool, tg_ceil_div(all, each), piece, s);
}

/* ---- forward ---- */

/* Whole groups of the tiles that are multiplied together, rounded down: one small piece more than planned is shared
 * better than one large piece fewer. */
uint32_t tg_conv2d_winograd_share(const tg_winograd *g, uint32_t fit, uint32_t samples, uint32_t width) {
  const uint32_t fair = share(samples * tiles_an_image(g), width), groups = tg_max(1, fair / TG_WINOGRAD_TOGETHER);
  return tg_min(fit, groups * TG_WINOGRAD_TOGETHER);
}

static uint32_t forward_block(const tg_winograd *g, uint32_t samples, uint32_t width) {
  return tg_conv2d_winograd_share(g, tg_winograd_block(g), samples, width);
}

uint64_t tg_conv2d_winograd_forward_needs(const tg_winograd *g, uint32_t samples, const tg_pool *pool) {
  return tg_mul(tg_pool_threads(pool), tg_winograd_scratch(g, forward_block(g, samples, tg_pool_width(pool))));
}

static void forward_piece(void *context, uint32_t piece, uint32_t thread) {
  const section *s = context;
  const uint32_t first = piece * s->share;
  tg_winograd_forward(s->b->y, s->b->x[0], s->packed, s->bias, s->scratch + thread * s->scratch_size, s->g, first,
                      tg_min(first + s->share, s->all), s->block, s->b->relu);
}

void tg_conv2d_winograd_forward(const tg_run *run, const tg_buffers *buffers, const tg_real *bias,
                                const tg_winograd *g) {
  section s = {.g = g, .b = buffers, .bias = bias, .packed = buffers->packed, .scratch = buffers->scratch};
  s.block = forward_block(g, run->samples, tg_pool_width(run->pool));
  s.scratch_size = tg_winograd_scratch(g, s.block);
  run_pieces(run, &s, run->samples * tiles_an_image(g), s.block, forward_piece);
}

/* ---- gradient of the input ---- */

/* Whole images, because their tiles overlap: as many as a block holds, and no tiles missing to the last four. */
static uint32_t images_a_piece(const tg_winograd *g, uint32_t samples, uint32_t width) {
  const uint32_t tiles = tiles_an_image(g), fit = tg_winograd_block(g) / tiles;
  const uint32_t images = tg_min(tg_max(fit, 1), share(samples, width));
  const uint32_t even = tiles % TG_WINOGRAD_TOGETHER == 0 ? 1 : TG_WINOGRAD_TOGETHER / (tiles % 2 ? 1 : 2);
  return tg_max(even, images - images % even);
}

/* Groups of channels that each piece is cut into where there are few images: each transforms dy for itself, which costs
 * less than threads without work. */
static uint32_t channel_groups(const tg_winograd *g, uint32_t parts, uint32_t width) {
  if (parts % width == 0 || parts >= 2 * width) return 1;
  return tg_min(tg_conv2d_input_gradient_panels(&g->s), tg_max(2, tg_ceil_div(width, parts)));
}

static uint32_t input_block(const tg_winograd *g, uint32_t samples, uint32_t width) {
  return tg_min(tg_winograd_block(g), images_a_piece(g, samples, width) * tiles_an_image(g));
}

uint64_t tg_conv2d_winograd_input_needs(const tg_winograd *g, uint32_t samples, const tg_pool *pool) {
  return tg_add(tg_winograd_input_gradient_packed_size(g),
                tg_mul(tg_pool_threads(pool), tg_winograd_scratch(g, input_block(g, samples, tg_pool_width(pool)))));
}

static void pack_input_piece(void *context, uint32_t panel, uint32_t thread) {
  (void)thread;
  const section *s = context;
  tg_winograd_input_gradient_pack(s->packed, s->b->w, s->g, panel, panel + 1);
}

static void input_piece(void *context, uint32_t piece, uint32_t thread) {
  const section *s = context;
  const uint32_t first = piece / s->groups * s->share, group = piece % s->groups;
  const uint32_t panels = tg_conv2d_input_gradient_panels(&s->g->s);
  tg_winograd_input_gradient(s->b->dx[0], s->b->dy, s->packed, s->scratch + thread * s->scratch_size, s->g, first,
                             tg_min(first + s->share, s->all), group * panels / s->groups,
                             (group + 1) * panels / s->groups, s->block);
}

void tg_conv2d_winograd_input_gradient(const tg_run *run, const tg_buffers *buffers, const tg_winograd *g) {
  const uint32_t width = tg_pool_width(run->pool);
  section s = {.g = g, .b = buffers, .packed = buffers->scratch, .all = run->samples};
  s.block = input_block(g, run->samples, width);
  s.scratch = s.packed + tg_winograd_input_gradient_packed_size(g);
  s.scratch_size = tg_winograd_scratch(g, s.block);
  s.share = images_a_piece(g, run->samples, width);
  const uint32_t parts = tg_ceil_div(s.all, s.share);
  s.groups = channel_groups(g, parts, width);
  tg_pool_run(run->pool, tg_conv2d_input_gradient_panels(&g->s), pack_input_piece, &s);
  tg_pool_run(run->pool, parts * s.groups, input_piece, &s);
}

/* ---- gradient of the filter ---- */

uint64_t tg_conv2d_winograd_filter_needs(const tg_winograd *g, uint32_t samples) {
  const uint64_t tiles = tg_mul(samples, tiles_an_image(g));
  return tg_winograd_filter_scratch(g, tg_winograd_filter_chunk(g, tiles));
}

static void transform_piece(void *context, uint32_t piece, uint32_t thread) {
  (void)thread;
  const section *s = context;
  const uint32_t first = piece * s->share, end = tg_min(first + s->share, s->all);
  tg_winograd_filter_transform(&s->filter, s->b->x[0], s->b->dy, s->g, s->chunk_first, s->chunk_first + first,
                               s->chunk_first + end);
}

static void add_piece(void *context, uint32_t piece, uint32_t thread) {
  (void)thread;
  const section *s = context;
  const uint32_t first = piece * s->share;
  tg_winograd_filter_add(&s->filter, s->g, s->chunk_count, s->chunk_first == 0, first,
                         tg_min(first + s->share, s->all));
}

static void finish_piece(void *context, uint32_t piece, uint32_t thread) {
  (void)thread;
  const section *s = context;
  const uint32_t first = piece * s->share;
  tg_winograd_filter_finish(s->b->dw, &s->filter, s->g, first, tg_min(first + s->share, s->all));
}

void tg_conv2d_winograd_filter_gradient(const tg_run *run, const tg_buffers *buffers, const tg_winograd *g) {
  const uint32_t width = tg_pool_width(run->pool), tiles = run->samples * tiles_an_image(g);
  const uint32_t chunk = tg_winograd_filter_chunk(g, tiles), units = tg_winograd_filter_units(g);
  section s = {.g = g, .b = buffers, .filter = tg_winograd_filter_make(buffers->scratch, g, chunk)};
  for (s.chunk_first = 0; s.chunk_first < tiles; s.chunk_first += chunk) {
    s.chunk_count = tg_min(chunk, tiles - s.chunk_first);
    run_pieces(run, &s, s.chunk_count, share(s.chunk_count, width), transform_piece);
    run_pieces(run, &s, units, share(units, width), add_piece);
  }
  run_pieces(run, &s, g->s.in_c, share(g->s.in_c, width), finish_piece);
}
