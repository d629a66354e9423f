#include "kernels/gemm.h"

#include "kernels/gemm_tile.h"

/* Reals of A and of a packed panel that are kept in the first-level cache while a tile runs over them: 4 rows and 8
 * columns of 512 take 24 KB of the 32 that common processors have. */
enum { TG_GEMM_K_BLOCK = 512 };
/* Rows of A worked through for all panels before the next: 96 rows x 512 take 192 KB of the second-level cache. */
enum { TG_GEMM_ROW_BLOCK = 96 };

uint32_t tg_gemm_panels(uint32_t N) { return N / TG_TILE_COLUMNS + (N % TG_TILE_COLUMNS != 0); }

size_t tg_gemm_packed_size(uint32_t K, uint32_t N) { return (size_t)tg_gemm_panels(N) * K * TG_TILE_COLUMNS; }

static size_t panel_columns(uint32_t N, uint32_t panel) {
  uint32_t left = N - panel * TG_TILE_COLUMNS;
  return left < TG_TILE_COLUMNS ? left : TG_TILE_COLUMNS;
}

void tg_gemm_part_pack(tg_real *packed, const tg_real *b, size_t b_step, uint32_t K, uint32_t N, uint32_t panel_first,
                       uint32_t panel_end) {
  /* packed (panels, K, 8), b (K, N) */
  for (uint32_t panel = panel_first; panel < panel_end; panel++) {
    tg_pack_panel(packed + (size_t)panel * K * TG_TILE_COLUMNS, b + (size_t)panel * TG_TILE_COLUMNS, K,
                  panel_columns(N, panel), b_step);
  }
}

void tg_gemm_part_pack_transposed(tg_real *packed, const tg_real *bt, size_t bt_step, uint32_t K, uint32_t N,
                                  uint32_t panel_first, uint32_t panel_end) {
  /* packed (panels, K, 8), bt (N, K) */
  for (uint32_t panel = panel_first; panel < panel_end; panel++) {
    tg_pack_panel_transposed(packed + (size_t)panel * K * TG_TILE_COLUMNS, bt + panel * bt_step * TG_TILE_COLUMNS, K,
                             panel_columns(N, panel), bt_step);
  }
}

void tg_gemm_pack(tg_real *packed, const tg_real *b, uint32_t K, uint32_t N, uint32_t panel_first, uint32_t panel_end) {
  tg_gemm_part_pack(packed, b, N, K, N, panel_first, panel_end);
}

void tg_gemm_pack_transposed(tg_real *packed, const tg_real *bt, uint32_t K, uint32_t N, uint32_t panel_first,
                             uint32_t panel_end) {
  tg_gemm_part_pack_transposed(packed, bt, K, K, N, panel_first, panel_end);
}

/* One row of c, the full panels of it four at a time: a tile of four rows would compute it four times. Panels of b are
 * `step` apart, their rows row_step. Returns the panel it stopped at. */
static uint32_t multiply_row(const tg_gemm_part *p, size_t row, size_t step, size_t row_step, uint32_t panel,
                             uint32_t panel_end) {
  for (; panel + 4 <= panel_end && (panel + 4) * (size_t)TG_TILE_COLUMNS <= p->N; panel += 4) {
    const size_t column = (size_t)panel * TG_TILE_COLUMNS;
    tg_real *c_row[4];
    for (size_t r = 0; r < 4; r++) c_row[r] = p->c + row * p->c_step + column + r * TG_TILE_COLUMNS;
    if (!p->add && p->bias)
      tg_copy(c_row[0], p->bias + column, 4 * TG_TILE_COLUMNS);
    else if (!p->add)
      tg_clear(c_row[0], 4 * TG_TILE_COLUMNS);
    tg_tile t = tg_tile_load(c_row, TG_TILE_COLUMNS);
    tg_tile_one_row(&t, p->a + row * p->a_step, p->b + panel * step, step, row_step, p->K);
    if (p->relu) tg_tile_relu(&t);
    tg_tile_store(c_row, &t, 4, TG_TILE_COLUMNS);
  }
  return panel;
}

/* Rows row_first…row_end-1 of one panel of c += a @ b (k_count, 8), from k_first on. */
static __attribute__((noinline)) void multiply_panel(const tg_gemm_part *p, const tg_real *b, uint32_t panel,
                                                     uint32_t row_first, uint32_t row_end, uint32_t k_first,
                                                     uint32_t k_count) {
  const size_t column = (size_t)panel * TG_TILE_COLUMNS, columns = panel_columns(p->N, panel);
  const tg_tile start = tg_tile_start_bias(p->bias ? p->bias + column : NULL, columns);
  const int begins = k_first == 0 && !p->add, relu = p->relu && k_first + k_count == p->K;
  for (uint32_t row = row_first; row < row_end; row += TG_TILE_ROWS) {
    size_t rows = row_end - row < TG_TILE_ROWS ? row_end - row : TG_TILE_ROWS;
    const tg_real *a_row[4];
    tg_real *c_row[4];
    for (size_t r = 0; r < 4; r++) {
      size_t m = row + (r < rows ? r : rows - 1);
      a_row[r] = p->a + m * p->a_step + k_first;
      c_row[r] = p->c + m * p->c_step + column;
    }
    tg_tile t = begins ? start : tg_tile_load(c_row, columns);
    tg_tile_rows(&t, a_row, b, k_count);
    if (relu) tg_tile_relu(&t);
    tg_tile_store(c_row, &t, rows, columns);
  }
}

void tg_gemm_part_run(const tg_gemm_part *p, uint32_t row_first, uint32_t row_end, uint32_t panel_first,
                      uint32_t panel_end) {
  /* c (M, N), a (M, K), b packed (panels, K, 8), bias (N) */
  const uint32_t K = p->K;
  if (row_end - row_first == 1)
    panel_first = multiply_row(p, row_first, (size_t)K * TG_TILE_COLUMNS, TG_TILE_COLUMNS, panel_first, panel_end);
  for (uint32_t block_first = row_first; block_first < row_end; block_first += TG_GEMM_ROW_BLOCK) {
    uint32_t block_end = row_end - block_first > TG_GEMM_ROW_BLOCK ? block_first + TG_GEMM_ROW_BLOCK : row_end;
    uint32_t k_first = 0;
    do { /* once even when K is 0: c is then the bias */
      uint32_t k_count = K - k_first > TG_GEMM_K_BLOCK ? TG_GEMM_K_BLOCK : K - k_first;
      for (uint32_t panel = panel_first; panel < panel_end; panel++)
        multiply_panel(p, p->b + ((size_t)panel * K + k_first) * TG_TILE_COLUMNS, panel, block_first, block_end,
                       k_first, k_count);
      k_first += k_count;
    } while (k_first < K);
  }
}

void tg_gemm(tg_real *c, const tg_real *a, const tg_real *packed, const tg_real *bias, uint32_t K, uint32_t N,
             uint32_t row_first, uint32_t row_end, uint32_t panel_first, uint32_t panel_end, int relu) {
  const tg_gemm_part whole = {c, a, packed, bias, N, K, 0, K, N, relu, 0};
  tg_gemm_part_run(&whole, row_first, row_end, panel_first, panel_end);
}

/* Rows of a panel packed at a time by tg_gemm_part_unpacked: 8 KB. */
enum { TG_GEMM_PACK_BLOCK = 256 };

void tg_gemm_part_unpacked(const tg_gemm_part *p, uint32_t M, uint32_t panel_first, uint32_t panel_end,
                           int transposed) {
  /* c (M, N), a (M, K), b (K, N) or (N, K), bias (N) */
  const uint32_t K = p->K;
  if (M == 1 && !transposed) panel_first = multiply_row(p, 0, TG_TILE_COLUMNS, p->b_step, panel_first, panel_end);
  tg_real block[TG_GEMM_PACK_BLOCK * TG_TILE_COLUMNS];
  for (uint32_t panel = panel_first; panel < panel_end; panel++) {
    const size_t column = (size_t)panel * TG_TILE_COLUMNS, columns = panel_columns(p->N, panel);
    uint32_t k_first = 0;
    do {
      const uint32_t k_count = K - k_first > TG_GEMM_PACK_BLOCK ? TG_GEMM_PACK_BLOCK : K - k_first;
      if (transposed)
        tg_pack_panel_transposed(block, p->b + column * p->b_step + k_first, k_count, columns, p->b_step);
      else
        tg_pack_panel(block, p->b + k_first * p->b_step + column, k_count, columns, p->b_step);
      multiply_panel(p, block, panel, 0, M, k_first, k_count);
      k_first += k_count;
    } while (k_first < K);
  }
}

void tg_gemm_unpacked(tg_real *c, const tg_real *a, const tg_real *b, const tg_real *bias, uint32_t M, uint32_t K,
                      uint32_t N, uint32_t panel_first, uint32_t panel_end, int relu, int transposed) {
  const tg_gemm_part whole = {c, a, b, bias, N, K, transposed ? K : N, K, N, relu, 0};
  tg_gemm_part_unpacked(&whole, M, panel_first, panel_end, transposed);
}

/* Rows of a and b in one pass of tg_gemm_part_transposed: its four columns of a, copied side by side, take 4 KB. */
enum { TG_GEMM_M_BLOCK = 256 };

/* Rows of a and b, and tiles above each other, in one pass of run_transposed_copied. */
enum { TG_GEMM_M_FEW = 64, TG_GEMM_TILES = TG_GEMM_ROWS_WANTED / TG_TILE_ROWS };

/* Whether columns of b fall on so few sets of the first-level cache that each pushes itself out, and a copy of one
 * serves several tiles. */
static int pays_to_copy(size_t b_step, uint32_t M, uint32_t rows) {
  return b_step * sizeof(tg_real) % 2048 == 0 && M >= TG_GEMM_M_FEW && rows >= TG_GEMM_ROWS_WANTED / 2;
}

/* A tile's rows of c += the product; the first pass begins at 0. */
static void add_tile(tg_real *c, size_t c_step, size_t rows, size_t columns, const tg_real *a, const tg_real *b,
                     uint32_t count, int is_first) {
  tg_real *c_row[4];
  for (size_t r = 0; r < 4; r++) c_row[r] = c + (r < rows ? r : rows - 1) * c_step;
  tg_tile t = is_first ? tg_tile_start(tg_v4_zero(), tg_v4_zero()) : tg_tile_load(c_row, columns);
  tg_tile_columns_adjacent(&t, a, TG_TILE_ROWS, b, TG_TILE_COLUMNS, count);
  tg_tile_store(c_row, &t, rows, columns);
}

/* tg_gemm_part_transposed, where columns of b are copied for several tiles. */
static void run_transposed_copied(tg_real *c, size_t c_step, const tg_real *a, size_t a_step, const tg_real *b,
                                  size_t b_step, uint32_t M, uint32_t N, uint32_t row_first, uint32_t row_end) {
  tg_real a_block[TG_GEMM_TILES][TG_GEMM_M_FEW * TG_TILE_ROWS], b_block[TG_GEMM_M_FEW * TG_TILE_COLUMNS];
  for (uint32_t m_first = 0, count; m_first < M; m_first += count) {
    count = M - m_first > TG_GEMM_M_FEW ? TG_GEMM_M_FEW : M - m_first;
    for (uint32_t first = row_first, end; first < row_end; first = end) {
      end = row_end - first > TG_GEMM_TILES * TG_TILE_ROWS ? first + TG_GEMM_TILES * TG_TILE_ROWS : row_end;
      for (uint32_t m = 0; m < count; m++)
        for (uint32_t row = first; row < end; row += TG_TILE_ROWS)
          tg_v4_store(a_block[(row - first) / TG_TILE_ROWS] + (size_t)m * TG_TILE_ROWS,
                      tg_v4_load(a + (m_first + m) * a_step + row));
      for (uint32_t panel = 0; panel < tg_gemm_panels(N); panel++) {
        const size_t column = (size_t)panel * TG_TILE_COLUMNS, columns = panel_columns(N, panel);
        for (uint32_t m = 0; m < count; m++)
          for (uint32_t i = 0; i < TG_TILE_COLUMNS; i += 4)
            tg_v4_store(b_block + (size_t)m * TG_TILE_COLUMNS + i, tg_v4_load(b + (m_first + m) * b_step + column + i));
        for (uint32_t row = first; row < end; row += TG_TILE_ROWS)
          add_tile(c + row * c_step + column, c_step, end - row < TG_TILE_ROWS ? end - row : TG_TILE_ROWS, columns,
                   a_block[(row - first) / TG_TILE_ROWS], b_block, count, m_first == 0);
      }
    }
  }
}

void tg_gemm_part_transposed(tg_real *c, size_t c_step, const tg_real *a, size_t a_step, const tg_real *b,
                             size_t b_step, uint32_t M, uint32_t N, uint32_t row_first, uint32_t row_end) {
  /* c (K, N), a (M, K), b (M, N) */
  if (pays_to_copy(b_step, M, row_end - row_first)) {
    run_transposed_copied(c, c_step, a, a_step, b, b_step, M, N, row_first, row_end);
    return;
  }
  uint32_t m_first = 0;
  do { /* once even when M is 0: c is then zero */
    const uint32_t m_count = M - m_first > TG_GEMM_M_BLOCK ? TG_GEMM_M_BLOCK : M - m_first;
    for (uint32_t row = row_first; row < row_end; row += TG_TILE_ROWS) {
      const size_t rows = row_end - row < TG_TILE_ROWS ? row_end - row : TG_TILE_ROWS;
      /* A column of a walks through memory in steps of K, often a power of two that falls on few cache sets; all panels
       * read the copy. Behind the last row the four neighbours reach into the next row of a, or over its end: read,
       * never stored. */
      tg_real a_block[TG_GEMM_M_BLOCK * TG_TILE_ROWS];
      const tg_real *a_from = a + m_first * a_step + row;
      for (uint32_t m = 0; m < m_count; m++) {
        tg_v4_store(a_block + (size_t)m * TG_TILE_ROWS, tg_v4_load(a_from + m * a_step));
      }
      for (uint32_t panel = 0; panel < tg_gemm_panels(N); panel++) {
        const size_t columns = panel_columns(N, panel);
        tg_real *c_row[4];
        for (size_t r = 0; r < 4; r++) {
          c_row[r] = c + (row + (r < rows ? r : rows - 1)) * c_step + (size_t)panel * TG_TILE_COLUMNS;
        }
        tg_tile t = m_first == 0 ? tg_tile_start(tg_v4_zero(), tg_v4_zero()) : tg_tile_load(c_row, columns);
        tg_tile_columns_adjacent(&t, a_block, TG_TILE_ROWS, b + m_first * b_step + (size_t)panel * TG_TILE_COLUMNS,
                                 b_step, m_count);
        tg_tile_store(c_row, &t, rows, columns);
      }
    }
    m_first += m_count;
  } while (m_first < M);
}

void tg_gemm_transposed(tg_real *c, const tg_real *a, const tg_real *b, uint32_t M, uint32_t K, uint32_t N,
                        uint32_t row_first, uint32_t row_end) {
  tg_gemm_part_transposed(c, N, a, K, b, N, M, N, row_first, row_end);
}

/* One pass of the tile at c (4, 8) over a (4, K) and b (K, 8). Not inlined: as in the real kernels, nothing is known
 * about where the rows lie. */
static __attribute__((noinline)) void peak_pass(tg_real *c, const tg_real *a, const tg_real *b, size_t K) {
  tg_real *const c_row[4] = {c, c + 8, c + 16, c + 24};
  const tg_real *const a_row[4] = {a, a + K, a + 2 * K, a + 3 * K};
  tg_tile t = tg_tile_load(c_row, 8);
  tg_tile_rows(&t, a_row, b, K);
  tg_tile_store(c_row, &t, 4, 8);
}

/* 12 KB of data in either precision: the first-level cache and the frame of a small thread both have room. */
enum { PEAK_K = 1024 / sizeof(tg_real) };

tg_real tg_gemm_peak(uint32_t iterations) {
  tg_real a[4 * PEAK_K], b[8 * PEAK_K], c[32];
  /* Small enough that no sum ever becomes infinite, large enough that none is subnormal: both would change the time. */
  for (size_t i = 0; i < 4 * PEAK_K; i++) a[i] = (tg_real)(1 + (int)(i % 7)) / 1024;
  for (size_t i = 0; i < 8 * PEAK_K; i++) b[i] = (tg_real)(1 + (int)(i % 5)) / 1024;
  for (size_t i = 0; i < 32; i++) c[i] = 0;
  for (uint32_t i = 0; i < iterations; i++) peak_pass(c, a, b, PEAK_K);
  tg_real sum = 0;
  for (size_t i = 0; i < 32; i++) sum += c[i];
  return sum;
}

double tg_gemm_peak_flops(uint32_t iterations) { return 2.0 * 4 * 8 * PEAK_K * iterations; }
