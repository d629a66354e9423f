/** What is used of @cornerstonejs/codec-libjpeg-turbo-8bit. */

export interface JPEGDecoder {
  /** Room for a file, to be filled before `decode`. */
  getEncodedBuffer(length: number): Uint8Array;
  /** Throws a number, the place of an exception, if the file is damaged. */
  decode(): void;
  getFrameInfo(): { width: number; height: number; componentCount: 1 | 3 };
  /** A view of memory that the next call may change. */
  getDecodedBuffer(): Uint8Array;
}

export default function start(): Promise<{ JPEGDecoder: new () => JPEGDecoder }>;
