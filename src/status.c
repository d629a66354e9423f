/* Error text without the C library's printf, which would double the size of the engine. */
#include <math.h>
#include <stdarg.h>

#include "engine.h"

typedef struct {
  char *at, *end; /* `end` keeps room for the closing zero */
} tg_text;

static void put(tg_text *text, char c) {
  if (text->at < text->end) *text->at++ = c;
}

static void put_string(tg_text *text, const char *s) {
  while (s && *s) put(text, *s++);
}

static void put_whole(tg_text *text, uint64_t value) {
  char digits[20];
  int n = 0;
  do {
    digits[n++] = (char)('0' + value % 10);
    value /= 10;
  } while (value);
  while (n) put(text, digits[--n]);
}

/* `value` in [0, 10) with up to five decimals, trailing zeros dropped. */
static void put_fraction(tg_text *text, double value) {
  uint64_t scaled = (uint64_t)(value * 100000 + 0.5);
  put_whole(text, scaled / 100000);
  uint32_t rest = (uint32_t)(scaled % 100000);
  if (!rest) return;
  put(text, '.');
  for (uint32_t unit = 10000; rest; unit /= 10) {
    put(text, (char)('0' + rest / unit));
    rest %= unit;
  }
}

static void put_number(tg_text *text, double value) {
  if (isnan(value)) {
    put_string(text, "NaN");
    return;
  }
  if (value < 0) {
    put(text, '-');
    value = -value;
  }
  if (isinf(value)) {
    put_string(text, "Infinity");
  } else if (value <= 9007199254740992.0 && value == floor(value)) {
    put_whole(text, (uint64_t)value);
  } else if (value >= 1e-4 && value < 1e6) {
    double whole = floor(value);
    if (whole >= 10) {
      put_whole(text, (uint64_t)whole / 10);
      whole = (double)((uint64_t)whole % 10);
    }
    put_fraction(text, whole + (value - floor(value)));
  } else {
    int exponent = 0;
    for (; value >= 10; value /= 10) exponent++;
    for (; value < 1; value *= 10) exponent--;
    put_fraction(text, value);
    put(text, 'e');
    if (exponent < 0) put(text, '-');
    put_whole(text, (uint64_t)(exponent < 0 ? -exponent : exponent));
  }
}

tg_status tg_fail(tg_engine *engine, tg_status status, const char *format, ...) {
  tg_text text = {engine->text, engine->text + TG_ERROR_TEXT - 1};
  va_list arguments;
  va_start(arguments, format);
  for (const char *f = format; *f; f++) {
    if (*f != '%') {
      put(&text, *f);
      continue;
    }
    switch (*++f) {
      case 's':
        put_string(&text, va_arg(arguments, const char *));
        break;
      case 'u':
        put_whole(&text, va_arg(arguments, unsigned));
        break;
      default: /* %g */
        put_number(&text, va_arg(arguments, double));
        break;
    }
  }
  va_end(arguments);
  *text.at = 0;
  engine->status = status;
  return status;
}
