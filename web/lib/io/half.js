/**
 * Floats in 16 bits, as files hold them: float16 (IEEE 754: 5 bits of exponent, 10 of fraction) and bfloat16 (the upper
 * half of a float32). Rounding is to the nearest, halves to the even one.
 */

/** @typedef {'F16' | 'BF16'} HalfType in safetensors */

/** The largest number of each. */
export const LARGEST = Object.freeze({ F16: 65504, BF16: 3.3895313892515355e38 });

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** Below this exponent, in a float32's bits, float16 has fewer digits: all are multiples of 2^-24. */
const SUBNORMAL = 113 << 23;
/** Its unit in the last place is 2^-24, so adding it rounds to one, and leaves the digits in the lowest bits. */
const ROUNDER = 0.5;
const ROUNDER_BITS = 126 << 23;

/** @param {number} x */
function toFloat16(x) {
  float[0] = x;
  const sign = (bits[0] >>> 16) & 0x8000;
  const size = bits[0] & 0x7fffffff;
  if (size >= 0x7f800000) return sign | (size > 0x7f800000 ? 0x7e00 : 0x7c00);
  if (size < SUBNORMAL) {
    float[0] = Math.abs(x) + ROUNDER;
    return sign | (bits[0] - ROUNDER_BITS);
  }
  const rounded = (size - (112 << 23) + 0xfff + ((size >>> 13) & 1)) >>> 13;
  return sign | Math.min(rounded, 0x7c00);
}

/** @param {number} half */
function fromFloat16(half) {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 31;
  const fraction = half & 0x3ff;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return exponent === 0
    ? sign * fraction * 2 ** -24
    : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** @param {number} x */
function toBfloat16(x) {
  float[0] = x;
  if (Number.isNaN(x)) return (bits[0] >>> 16) | 0x40;
  return ((bits[0] + 0x7fff + ((bits[0] >>> 16) & 1)) >>> 16) & 0xffff;
}

/** @param {number} half */
function fromBfloat16(half) {
  bits[0] = half << 16;
  return float[0];
}

/** Where the first infinity is; −1: nowhere. @param {Uint16Array} halves @param {HalfType} type */
export function findInfinite(halves, type) {
  const infinite = type === 'F16' ? 0x7c00 : 0x7f80;
  return halves.findIndex((half) => (half & 0x7fff) === infinite);
}

/**
 * @param {Float32Array} values
 * @param {HalfType} type
 * @returns {Uint16Array} raw bits; what is too large is infinite
 */
export function toHalves(values, type) {
  return Uint16Array.from(values, type === 'F16' ? toFloat16 : toBfloat16);
}

/**
 * @param {Uint16Array} halves raw bits
 * @param {HalfType} type
 * @returns {Float32Array}
 */
export function fromHalves(halves, type) {
  return Float32Array.from(halves, type === 'F16' ? fromFloat16 : fromBfloat16);
}
