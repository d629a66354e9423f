/*
 * Linked into the engines only. The threaded C library's sbrk() prints a line before it aborts on a lost race; that one
 * call would bring in all of stdio and an import (fd_write) that a page must provide. The engine reports through
 * tg_last_error and prints nothing, so printf is a function that does nothing.
 */
int printf(const char *format, ...);

int printf(const char *format, ...) {
  (void)format;
  return 0;
}
