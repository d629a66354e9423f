/* The engine's number. Float everywhere a user sees it; the native test build makes it double, so that finite
 * differences check the very code that ships and not a copy of it. */
#ifndef TG_REAL_H
#define TG_REAL_H

#ifdef TG_DOUBLE
typedef double tg_real;
#else
typedef float tg_real;
#endif

#endif
