/*
 * exp, log, tanh and erf, our own, so that every engine and every thread count gives the same bits (the host's differ).
 * In float: polynomials (for exp and log with the coefficients of the Cephes library, Moshier), relative error below
 * 2e-7 (exp), 3e-7 (log, tanh, erf), right at NaN, infinities, overflow and underflow. The double build, which checks
 * gradients, takes the C library's.
 *
 * tanh, erf, sigmoid and e^x - 1 need one exponential each: e of "power" of x, from which "from" finds the function.
 * Kernels take the exponentials of many numbers at once between the two.
 */
#ifndef TG_KERNELS_MATH_H
#define TG_KERNELS_MATH_H

#include "kernels/simd.h"

#ifdef TG_DOUBLE

TG_INLINE tg_v4 tg_v4_exp(tg_v4 x) { return (tg_v4){exp(x[0]), exp(x[1]), exp(x[2]), exp(x[3])}; }
TG_INLINE tg_v4 tg_v4_log(tg_v4 x) { return (tg_v4){log(x[0]), log(x[1]), log(x[2]), log(x[3])}; }
TG_INLINE tg_v4 tg_v4_log1p(tg_v4 x) { return (tg_v4){log1p(x[0]), log1p(x[1]), log1p(x[2]), log1p(x[3])}; }
TG_INLINE tg_v4 tg_v4_tanh_power(tg_v4 x) { return x; }
TG_INLINE tg_v4 tg_v4_tanh_from(tg_v4 x, tg_v4 e) {
  return (void)e, (tg_v4){tanh(x[0]), tanh(x[1]), tanh(x[2]), tanh(x[3])};
}
TG_INLINE tg_v4 tg_v4_erf_power(tg_v4 x) { return x; }
TG_INLINE tg_v4 tg_v4_erf_from(tg_v4 x, tg_v4 e) {
  return (void)e, (tg_v4){erf(x[0]), erf(x[1]), erf(x[2]), erf(x[3])};
}

TG_INLINE void tg_v4_exp_each(tg_v4 *x, int count) {
  for (int i = 0; i < count; i++) x[i] = tg_v4_exp(x[i]);
}
TG_INLINE void tg_v4_log_each(tg_v4 *x, int count) {
  for (int i = 0; i < count; i++) x[i] = tg_v4_log(x[i]);
}
TG_INLINE void tg_v4_log_normal_each(tg_v4 *x, int count) { tg_v4_log_each(x, count); }

#else

/*
 * Functions named "each" do `count` (1…4) vectors in place, step by step. A step waits for the one before it, and its
 * constant is three instructions in V8: with four vectors there is something else to do meanwhile, and one constant.
 */
#define TG_EACH for (int i = 0; i < count; i++)
#define TG_HORNER(p, x, c) TG_EACH p[i] = tg_v4_madd(p[i], x[i], tg_v4_splat(c))

/* e^x = 2^n * e^r with n = round(x / ln 2), |r| <= ln 2 / 2. */
TG_INLINE void tg_v4_exp_each(tg_v4 *x, int count) {
  tg_v4 p[4], r[4];
  v128_t exponent[4];
  /* Adding 1.5 * 2^23 leaves the rounded integer in the low bits of the sum. */
  const tg_v4 shift = tg_v4_splat(12582912.0f);
  TG_EACH {
    /* Beyond these e^x is infinite or rounds to zero. NaN stays: it stands first. */
    x[i] = tg_v4_min(tg_v4_max(x[i], tg_v4_splat(-104.0f)), tg_v4_splat(89.0f));
    tg_v4 shifted = tg_v4_add(tg_v4_mul(x[i], tg_v4_splat(1.44269504088896341f)), shift);
    tg_v4 n = tg_v4_sub(shifted, shift);
    exponent[i] = wasm_i32x4_sub(shifted, shift);
    /* ln 2 in two parts, the first with few bits: n times it is exact. */
    r[i] = tg_v4_sub(x[i], tg_v4_mul(n, tg_v4_splat(0.693359375f)));
    r[i] = tg_v4_sub(r[i], tg_v4_mul(n, tg_v4_splat(-2.12194440e-4f)));
    p[i] = tg_v4_splat(1.9875691500e-4f);
  }
  TG_HORNER(p, r, 1.3981999507e-3f);
  TG_HORNER(p, r, 8.3334519073e-3f);
  TG_HORNER(p, r, 4.1665795894e-2f);
  TG_HORNER(p, r, 1.6666665459e-1f);
  TG_HORNER(p, r, 5.0000001201e-1f);
  TG_EACH {
    p[i] = tg_v4_add(tg_v4_madd(p[i], tg_v4_mul(r[i], r[i]), r[i]), tg_v4_splat(1));
    /* 2^n in two factors, so that subnormal results and those next to overflow come out right. */
    v128_t half = wasm_i32x4_shr(exponent[i], 1), rest = wasm_i32x4_sub(exponent[i], half);
    const v128_t bias = wasm_i32x4_splat(127);
    p[i] = tg_v4_mul(p[i], wasm_i32x4_shl(wasm_i32x4_add(half, bias), 23));
    x[i] = tg_v4_mul(p[i], wasm_i32x4_shl(wasm_i32x4_add(rest, bias), 23));
  }
}

TG_INLINE tg_v4 tg_v4_exp(tg_v4 x) {
  tg_v4_exp_each(&x, 1);
  return x;
}

/* m = e * ln 2 + log(1 + m), sqrt(1/2) <= 1 + m < sqrt(2). */
TG_INLINE void tg_v4_log_parts_each(tg_v4 *m, const tg_v4 *e, int count) {
  tg_v4 p[4];
  TG_EACH p[i] = tg_v4_splat(7.0376836292e-2f);
  TG_HORNER(p, m, -1.1514610310e-1f);
  TG_HORNER(p, m, 1.1676998740e-1f);
  TG_HORNER(p, m, -1.2420140846e-1f);
  TG_HORNER(p, m, 1.4249322787e-1f);
  TG_HORNER(p, m, -1.6668057665e-1f);
  TG_HORNER(p, m, 2.0000714765e-1f);
  TG_HORNER(p, m, -2.4999993993e-1f);
  TG_HORNER(p, m, 3.3333331174e-1f);
  TG_EACH {
    tg_v4 square = tg_v4_mul(m[i], m[i]);
    p[i] = tg_v4_mul(tg_v4_mul(p[i], m[i]), square);
    p[i] = tg_v4_add(p[i], tg_v4_mul(e[i], tg_v4_splat(-2.12194440e-4f)));
    p[i] = tg_v4_sub(p[i], tg_v4_mul(square, tg_v4_splat(0.5f)));
    m[i] = tg_v4_add(tg_v4_add(m[i], p[i]), tg_v4_mul(e[i], tg_v4_splat(0.693359375f)));
  }
}

#undef TG_HORNER

/* log(x / 2^less) of positive, finite, normal numbers. */
TG_INLINE void tg_v4_log_scaled_each(tg_v4 *x, const v128_t *less, int count) {
  tg_v4 e[4];
  TG_EACH {
    v128_t bits = wasm_i32x4_sub(x[i], wasm_i32x4_splat(0x3f3504f3)); /* sqrt(1/2) */
    e[i] = wasm_f32x4_convert_i32x4(wasm_i32x4_sub(wasm_i32x4_shr(bits, 23), less[i]));
    /* The mantissa with an exponent that puts it between sqrt(1/2) and sqrt(2); minus 1 is exact there. */
    x[i] = wasm_i32x4_add(wasm_v128_and(bits, wasm_i32x4_splat(0x7fffff)), wasm_i32x4_splat(0x3f3504f3));
    x[i] = tg_v4_sub(x[i], tg_v4_splat(1));
  }
  tg_v4_log_parts_each(x, e, count);
}

/* log x of positive, finite, normal numbers. */
TG_INLINE void tg_v4_log_normal_each(tg_v4 *x, int count) {
  const v128_t nothing[4] = {tg_v4_zero(), tg_v4_zero(), tg_v4_zero(), tg_v4_zero()};
  tg_v4_log_scaled_each(x, nothing, count);
}

/* log 0 = -inf, log inf = inf, negative and NaN: NaN. */
TG_INLINE void tg_v4_log_each(tg_v4 *x, int count) {
  tg_v4 y[4];
  v128_t less[4];
  TG_EACH {
    const tg_mask subnormal = tg_v4_lt(x[i], tg_v4_splat(1.17549435e-38f));
    y[i] = tg_v4_select(subnormal, tg_v4_mul(x[i], tg_v4_splat(8388608.0f)), x[i]); /* 2^23 */
    less[i] = wasm_v128_and(subnormal, wasm_i32x4_splat(23));
  }
  tg_v4_log_scaled_each(y, less, count);
  TG_EACH {
    const tg_v4 zero = tg_v4_zero(), infinity = tg_v4_splat(INFINITY);
    y[i] = tg_v4_select(tg_v4_eq(x[i], zero), tg_v4_splat(-INFINITY), y[i]);
    y[i] = tg_v4_select(tg_v4_eq(x[i], infinity), infinity, y[i]);
    x[i] = tg_v4_select(tg_v4_le(zero, x[i]), y[i], tg_v4_splat(NAN));
  }
}

#undef TG_EACH

TG_INLINE tg_v4 tg_v4_log(tg_v4 x) {
  tg_v4_log_each(&x, 1);
  return x;
}

/* log(1 + z) for 0 <= z < 2^126, also where 1 + z rounds: 1 + z = 2^e (1 + m) with m = z / 2^e + (1 / 2^e - 1), of
 * which the sum alone is rounded, and only where e is not 0. NaN stays. */
TG_INLINE tg_v4 tg_v4_log1p(tg_v4 z) {
  v128_t bits = wasm_i32x4_sub(tg_v4_add(z, tg_v4_splat(1)), wasm_i32x4_splat(0x3f3504f3));
  v128_t exponent = wasm_i32x4_shr(bits, 23);
  tg_v4 e = wasm_f32x4_convert_i32x4(exponent);
  tg_v4 scale = wasm_i32x4_shl(wasm_i32x4_sub(wasm_i32x4_splat(127), exponent), 23); /* 1 / 2^e */
  tg_v4 m = tg_v4_add(tg_v4_mul(z, scale), tg_v4_sub(scale, tg_v4_splat(1)));
  tg_v4_log_parts_each(&m, &e, 1);
  return m;
}

/* The sign of x on a, which is not negative. */
TG_INLINE tg_v4 tg_v4_copy_sign(tg_v4 a, tg_v4 x) {
  return wasm_v128_or(a, wasm_v128_and(x, wasm_i32x4_splat((int32_t)0x80000000)));
}

/* tanh: an odd polynomial near 0 (least relative error on |x| <= 0.625, 4e-9), else 1 - 2 / (e^2|x| + 1). */
TG_INLINE tg_v4 tg_v4_tanh_power(tg_v4 x) { return tg_v4_add(tg_v4_abs(x), tg_v4_abs(x)); }
TG_INLINE tg_v4 tg_v4_tanh_from(tg_v4 x, tg_v4 e) {
  const tg_v4 one = tg_v4_splat(1), square = tg_v4_mul(x, x);
  tg_v4 p = tg_v4_splat(-5.6599854084e-3f);
  p = tg_v4_madd(p, square, tg_v4_splat(2.0590986417e-2f));
  p = tg_v4_madd(p, square, tg_v4_splat(-5.3721068083e-2f));
  p = tg_v4_madd(p, square, tg_v4_splat(1.3331127552e-1f));
  p = tg_v4_madd(p, square, tg_v4_splat(-3.3333260529e-1f));
  p = tg_v4_madd(tg_v4_mul(p, square), x, x);
  tg_v4 far = tg_v4_sub(one, tg_v4_div(tg_v4_splat(2), tg_v4_add(e, one)));
  return tg_v4_select(tg_v4_le(tg_v4_abs(x), tg_v4_splat(0.625f)), p, tg_v4_copy_sign(far, x));
}

/* erf: an odd polynomial on |x| < 1 (least relative error, 1.2e-9), else 1 - e^p with p near log erfc (1.1e-9 of the
 * result); beyond 4 it rounds to 1. */
TG_INLINE tg_v4 tg_v4_erf_power(tg_v4 x) {
  const tg_v4 a = tg_v4_min(tg_v4_abs(x), tg_v4_splat(4));
  tg_v4 q = tg_v4_splat(1.8638163950e-4f);
  q = tg_v4_madd(q, a, tg_v4_splat(-2.9476832569e-3f));
  q = tg_v4_madd(q, a, tg_v4_splat(2.1838167708e-2f));
  q = tg_v4_madd(q, a, tg_v4_splat(-1.0310697953e-1f));
  q = tg_v4_madd(q, a, tg_v4_splat(-6.3814456397e-1f));
  q = tg_v4_madd(q, a, tg_v4_splat(-1.1270893581f));
  return tg_v4_madd(q, a, tg_v4_splat(-3.4148015261e-4f));
}
TG_INLINE tg_v4 tg_v4_erf_from(tg_v4 x, tg_v4 e) {
  const tg_v4 one = tg_v4_splat(1), square = tg_v4_mul(x, x);
  tg_v4 p = tg_v4_splat(7.8538582394e-5f);
  p = tg_v4_madd(p, square, tg_v4_splat(-8.0101931587e-4f));
  p = tg_v4_madd(p, square, tg_v4_splat(5.1883276993e-3f));
  p = tg_v4_madd(p, square, tg_v4_splat(-2.6853811990e-2f));
  p = tg_v4_madd(p, square, tg_v4_splat(1.1283585152e-1f));
  p = tg_v4_madd(p, square, tg_v4_splat(-3.7612625825e-1f));
  p = tg_v4_madd(p, square, tg_v4_splat(1.1283791657f));
  return tg_v4_select(tg_v4_lt(tg_v4_abs(x), one), tg_v4_mul(p, x), tg_v4_copy_sign(tg_v4_sub(one, e), x));
}

#endif

TG_INLINE tg_real tg_log(tg_real x) { return tg_v4_lane0(tg_v4_log(tg_v4_splat(x))); }

/* 1 / (1 + e^-x), from e^-|x| so that neither end overflows. */
TG_INLINE tg_v4 tg_v4_sigmoid_power(tg_v4 x) { return tg_v4_sub(tg_v4_zero(), tg_v4_abs(x)); }
TG_INLINE tg_v4 tg_v4_sigmoid_from(tg_v4 x, tg_v4 e) {
  const tg_v4 one = tg_v4_splat(1);
  return tg_v4_div(tg_v4_select(tg_v4_lt(x, tg_v4_zero()), e, one), tg_v4_add(one, e));
}
TG_INLINE tg_v4 tg_v4_sigmoid(tg_v4 x) { return tg_v4_sigmoid_from(x, tg_v4_exp(tg_v4_sigmoid_power(x))); }

/* e^x - 1, also where e^x rounds to 1, as 2 t / (1 - t) with t = tanh(x / 2). For x <= 0. */
TG_INLINE tg_v4 tg_v4_expm1_power(tg_v4 x) { return tg_v4_tanh_power(tg_v4_mul(x, tg_v4_splat((tg_real)0.5))); }
TG_INLINE tg_v4 tg_v4_expm1_from(tg_v4 x, tg_v4 e) {
  tg_v4 t = tg_v4_tanh_from(tg_v4_mul(x, tg_v4_splat((tg_real)0.5)), e);
  return tg_v4_div(tg_v4_add(t, t), tg_v4_sub(tg_v4_splat(1), t));
}

#endif
