/** Length of a slice of work in the worker, in milliseconds: what others wait for at most. */
export const SLICE_MS = 40;
