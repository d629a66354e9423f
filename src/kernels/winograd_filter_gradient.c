#include "kernels/winograd_tile.h"

/*
 * dg = G' [sum over tiles of (A dY A') * (B' d B)] G. The sum is 36 products transpose of x (tiles, in_c) @ dy (tiles,
 * out_c), a chunk of tiles at a time; between chunks it rests in memory, so their size changes no bit.
 */

/* Bytes of a chunk's planes, which all threads read: they stay in the second-level cache. */
enum { CHUNK_BYTES = 1024 * 1024, MIN_CHUNK = 32, MAX_CHUNK = 256 };

static size_t panel_rows(const tg_winograd *g) { return tg_round_up(g->s.in_c, TG_TILE_ROWS); }

static size_t dy_plane(const tg_winograd *g, uint32_t chunk) {
  return tg_winograd_plane(chunk, (size_t)tg_conv2d_panels(&g->s) * TG_TILE_COLUMNS);
}

static size_t sum_plane(const tg_winograd *g) { return panel_rows(g) * tg_conv2d_panels(&g->s) * TG_TILE_COLUMNS; }

uint32_t tg_winograd_filter_chunk(const tg_winograd *g, uint64_t tiles) {
  size_t tile = TG_WINOGRAD_POSITIONS * (panel_rows(g) + g->s.out_c) * sizeof(tg_real);
  size_t chunk = CHUNK_BYTES / tile;
  if (chunk < MIN_CHUNK) chunk = MIN_CHUNK;
  if (chunk > MAX_CHUNK) chunk = MAX_CHUNK;
  return (uint32_t)(chunk < tiles ? chunk : tiles);
}

size_t tg_winograd_filter_scratch(const tg_winograd *g, uint32_t chunk) {
  return TG_WINOGRAD_POSITIONS * (tg_winograd_plane(chunk, panel_rows(g)) + dy_plane(g, chunk) + sum_plane(g));
}

tg_winograd_filter tg_winograd_filter_make(tg_real *scratch, const tg_winograd *g, uint32_t chunk) {
  tg_real *dy = scratch + TG_WINOGRAD_POSITIONS * tg_winograd_plane(chunk, panel_rows(g));
  return (tg_winograd_filter){scratch, dy, dy + TG_WINOGRAD_POSITIONS * dy_plane(g, chunk), chunk};
}

void tg_winograd_filter_transform(const tg_winograd_filter *f, const tg_real *x, const tg_real *dy,
                                  const tg_winograd *g, uint32_t chunk_first, uint32_t tile_first, uint32_t tile_end) {
  const size_t x_plane = tg_winograd_plane(f->chunk, panel_rows(g)), y_plane = dy_plane(g, f->chunk);
  for (uint32_t tile = tile_first; tile < tile_end; tile++) {
    const size_t place = tile - chunk_first;
    tg_winograd_square at;
    tg_winograd_place(&at, g, tile, 1);
    tg_winograd_transform_x(f->x + place * panel_rows(g), x_plane, 8, x, &at, g->s.in_c);
    /* eight channels of all tiles side by side: that is how the products read them */
    tg_winograd_place(&at, g, tile, 0);
    tg_winograd_transform_dy(f->dy + place * TG_TILE_COLUMNS, y_plane, (size_t)f->chunk * TG_TILE_COLUMNS, dy, &at,
                             g->s.out_c);
  }
}

uint32_t tg_winograd_filter_units(const tg_winograd *g) { return TG_WINOGRAD_POSITIONS * tg_conv2d_panels(&g->s); }

void tg_winograd_filter_add(const tg_winograd_filter *f, const tg_winograd *g, uint32_t count, int is_first,
                            uint32_t unit_first, uint32_t unit_end) {
  /* sum (positions, panels, in_c up to 4, 8), x (positions, tiles, in_c up to 4), dy (positions, panels, tiles, 8) */
  const size_t rows = panel_rows(g);
  const uint32_t panels = tg_conv2d_panels(&g->s);
  for (uint32_t unit = unit_first; unit < unit_end; unit++) {
    const uint32_t p = unit / panels, panel = unit % panels;
    const tg_real *x = f->x + p * tg_winograd_plane(f->chunk, rows);
    const tg_real *dy = f->dy + p * dy_plane(g, f->chunk) + (size_t)panel * f->chunk * TG_TILE_COLUMNS;
    tg_real *sum = f->sum + (size_t)unit * rows * TG_TILE_COLUMNS;
    for (size_t c = 0; c < rows; c += TG_TILE_ROWS, sum += TG_TILE_ROWS * TG_TILE_COLUMNS) {
      tg_real *const at[4] = {sum, sum + TG_TILE_COLUMNS, sum + 2 * TG_TILE_COLUMNS, sum + 3 * TG_TILE_COLUMNS};
      tg_tile t = is_first ? tg_tile_start(tg_v4_zero(), tg_v4_zero()) : tg_tile_load(at, TG_TILE_COLUMNS);
      tg_tile_columns_adjacent(&t, x + c, rows, dy, TG_TILE_COLUMNS, count);
      tg_tile_store(at, &t, TG_TILE_ROWS, TG_TILE_COLUMNS);
    }
  }
}

void tg_winograd_filter_finish(tg_real *dw, const tg_winograd_filter *f, const tg_winograd *g, uint32_t row_first,
                               uint32_t row_end) {
  const size_t rows = panel_rows(g), plane = sum_plane(g), tap = (size_t)g->s.in_c * g->s.out_c;
  for (uint32_t c = row_first; c < row_end; c++) {
    for (uint32_t k = 0; k < g->s.out_c; k += 4) {
      const tg_real *sum = f->sum + (k / 8 * rows + c) * TG_TILE_COLUMNS + k % 8;
      tg_v4 tile[TG_WINOGRAD_N * TG_WINOGRAD_N], out[9];
      for (uint32_t p = 0; p < TG_WINOGRAD_POSITIONS; p++) tile[p] = tg_v4_load(sum + p * plane);
      tg_winograd_tile(TG_WINOGRAD_GT, out, tile);
      for (uint32_t t = 0; t < 9; t++) {
        tg_v4_store_part(dw + t * tap + (size_t)c * g->s.out_c + k, out[t], g->s.out_c - k);
      }
    }
  }
}
