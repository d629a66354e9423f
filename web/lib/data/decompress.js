/**
 * The platform's decompressor, held to little memory.
 *
 * `pipeThrough(new DecompressionStream(…))` would do, but Node counts its output queue in chunks
 * where it means bytes: a fast source then piles up to 268 MB of unpacked data. So input goes in
 * small pieces, each only when the consumer waits for bytes.
 */

/** Deflate packs at most 1,032:1, so one piece unpacks to at most 34 MB. */
const PIECE_BYTES = 32 * 1024;

/**
 * @param {'gzip' | 'deflate' | 'deflate-raw'} format `deflate` is the zlib format, raw ones are in zip
 * @param {() => Promise<Uint8Array | undefined>} next gives input bytes, undefined at the end
 * @returns {{ read: () => Promise<Uint8Array | undefined>, cancel: (reason: unknown) => void }}
 *   `read` gives unpacked bytes, undefined at the end; it fails with the platform's error for
 *   damaged or truncated input, or with that of `next`
 */
export function decompress(format, next) {
  const { readable, writable } = new DecompressionStream(format);
  const reader = /** @type {ReadableStream<Uint8Array>} */ (readable).getReader();
  const writer = writable.getWriter();
  /** @type {(() => void) | undefined} */
  let wake;
  let hungry = false;
  /** @type {unknown[]} */
  const faults = [];

  async function feed() {
    for (;;) {
      const bytes = await next();
      if (!bytes) return writer.close();
      for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
        if (!hungry) await new Promise((resolve) => (wake = () => resolve(undefined)));
        // A copy: the type of `write` refuses views on shared memory.
        await writer.write(bytes.slice(at, at + PIECE_BYTES));
      }
    }
  }

  feed().catch((error) => {
    faults.push(error);
    writer.abort(error).catch(() => {});
  });
  // Told to whoever reads; unheard it would count as an unhandled rejection.
  writer.closed.catch(() => {});

  return {
    async read() {
      hungry = true;
      wake?.();
      try {
        const { done, value } = await reader.read();
        return done ? undefined : value;
      } catch (error) {
        throw faults[0] ?? error;
      } finally {
        hungry = false;
      }
    },
    cancel(reason) {
      reader.cancel(reason).catch(() => {});
    },
  };
}
