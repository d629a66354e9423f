/*
 * Matrix products for dense layers, on the same 4x8 micro-kernel as the convolutions (see conv2d.h for the rules on
 * tiles and over-reads).
 */
#ifndef TG_KERNELS_GEMM_H
#define TG_KERNELS_GEMM_H

#include <stddef.h>
#include <stdint.h>

#include "real.h"

/* Panels of 8 columns in N columns, and reals of a packed (K, N) matrix. */
uint32_t tg_gemm_panels(uint32_t N);
size_t tg_gemm_packed_size(uint32_t K, uint32_t N);
/* packed (panels, K, 8) from b (K, N); panels panel_first…panel_end-1. */
void tg_gemm_pack(tg_real *packed, const tg_real *b, uint32_t K, uint32_t N, uint32_t panel_first, uint32_t panel_end);
/* The same from the transposed matrix bt (N, K). */
void tg_gemm_pack_transposed(tg_real *packed, const tg_real *bt, uint32_t K, uint32_t N, uint32_t panel_first,
                             uint32_t panel_end);
/* c (M, N) = a (M, K) @ b (K, N) + bias (N, or NULL), then max(0, ·) when relu; rows row_first…row_end-1,
 * panels panel_first…panel_end-1. */
void tg_gemm(tg_real *c, const tg_real *a, const tg_real *packed, const tg_real *bias, uint32_t K, uint32_t N,
             uint32_t row_first, uint32_t row_end, uint32_t panel_first, uint32_t panel_end, int relu);
/* The same bits from b as it stands, (K, N), or (N, K) when `transposed`: a block of a panel is packed at a time, in
 * the first-level cache, so it takes no memory. For weights that are multiplied once; all M rows of a. */
void tg_gemm_unpacked(tg_real *c, const tg_real *a, const tg_real *b, const tg_real *bias, uint32_t M, uint32_t K,
                      uint32_t N, uint32_t panel_first, uint32_t panel_end, int relu, int transposed);
/* c (K, N) = transpose of a (M, K) @ b (M, N); rows row_first…row_end-1 of c. Nothing is packed. */
void tg_gemm_transposed(tg_real *c, const tg_real *a, const tg_real *b, uint32_t M, uint32_t K, uint32_t N,
                        uint32_t row_first, uint32_t row_end);

/*
 * The same for matrices that are part of larger ones, such as one gate of a recurrent layer at one step, or one head of
 * an attention: rows of a, b and c lie a_step, b_step and c_step apart, and a product may be added to c.
 */
typedef struct {
  tg_real *c;
  const tg_real *a;
  const tg_real *b;    /* packed, or as it stands */
  const tg_real *bias; /* N, or NULL */
  size_t c_step, a_step;
  size_t b_step; /* not read when b is packed */
  uint32_t K, N;
  int relu, add; /* add: to what c holds, whatever the bias */
} tg_gemm_part;

void tg_gemm_part_pack(tg_real *packed, const tg_real *b, size_t b_step, uint32_t K, uint32_t N, uint32_t panel_first,
                       uint32_t panel_end);
void tg_gemm_part_pack_transposed(tg_real *packed, const tg_real *bt, size_t bt_step, uint32_t K, uint32_t N,
                                  uint32_t panel_first, uint32_t panel_end);
void tg_gemm_part_run(const tg_gemm_part *p, uint32_t row_first, uint32_t row_end, uint32_t panel_first,
                      uint32_t panel_end);
void tg_gemm_part_unpacked(const tg_gemm_part *p, uint32_t M, uint32_t panel_first, uint32_t panel_end, int transposed);
/* So many rows at once are fastest where rows of b are a multiple of 2 KB apart. */
enum { TG_GEMM_ROWS_WANTED = 32 };
void tg_gemm_part_transposed(tg_real *c, size_t c_step, const tg_real *a, size_t a_step, const tg_real *b,
                             size_t b_step, uint32_t M, uint32_t N, uint32_t row_first, uint32_t row_end);

/* `iterations` runs of the 4x8 micro-kernel over the same packed panel, all of it in the first-level cache: the peak
 * that every other kernel is measured against. Returns a value that depends on every product, so that no compiler drops
 * them. */
tg_real tg_gemm_peak(uint32_t iterations);
/* Floating-point operations of that call; a multiplication and an addition count as two. */
double tg_gemm_peak_flops(uint32_t iterations);

#endif
