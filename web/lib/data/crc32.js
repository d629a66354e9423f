/** CRC-32 in both variants that files here use; both are reflected. */

/** @param {number} polynomial reflected @returns {(bytes: Uint8Array) => number} unsigned 32-bit */
function checksum(polynomial) {
  const table = Int32Array.from({ length: 256 }, (_, n) => {
    let c = n;
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ polynomial : c >>> 1;
    return c;
  });
  return (bytes) => {
    let c = -1;
    for (let i = 0; i < bytes.length; i++) c = table[(c ^ bytes[i]) & 255] ^ (c >>> 8);
    return ~c >>> 0;
  };
}

/** As PNG and gzip use it. */
export const crc32 = /* @__PURE__ */ checksum(0xedb88320);

/** Castagnoli's, as TensorFlow's records use it. */
export const crc32c = /* @__PURE__ */ checksum(0x82f63b78);
