/** Numbers as people read them. A value that is not there yet is a dash. */

const DASH = '–';

/** @param {number | null} value */
export function count(value) {
  return value === null ? DASH : Math.round(value).toLocaleString('en');
}

/**
 * @param {number | null} share 0 … 1
 * @param {number} [digits]
 */
export function percent(share, digits = 1) {
  return share === null ? DASH : `${(share * 100).toFixed(digits)} %`;
}

/**
 * @param {number | null} value
 * @param {number} [digits]
 */
export function decimal(value, digits = 3) {
  return value === null ? DASH : value.toFixed(digits);
}

/** @param {number | null} seconds */
export function duration(seconds) {
  if (seconds === null || !Number.isFinite(seconds)) return DASH;
  const whole = Math.max(0, Math.ceil(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** @param {number} value */
export function bytes(value) {
  if (value < 1e6) return `${(value / 1e3).toFixed(0)} kB`;
  return `${(value / 1e6).toFixed(value < 1e7 ? 1 : 0)} MB`;
}

/** @param {number} value multiply-accumulates */
export function operations(value) {
  if (value < 1e3) return String(value);
  if (value < 1e6) return `${(value / 1e3).toFixed(0)} k`;
  return `${(value / 1e6).toFixed(2)} M`;
}
