/* SQL functions that wait below a static and an inlined function, for tests of names and lines. */
#include "postgres.h"

#include <time.h>

#include "fmgr.h"

PG_MODULE_MAGIC;

/* An empty asm after a call keeps the compiler from making it a jump. */
#define KEEP_FRAME() __asm__ volatile("" ::: "memory")

extern int pghang_lie_down(int seconds);

static inline __attribute__((always_inline)) int
sleep_inlined(int seconds)
{
	struct timespec left = {seconds, 0};
	int result = nanosleep(&left, NULL);

	KEEP_FRAME();
	return result + 1;
}

static __attribute__((noinline)) int
sleep_below_static(int seconds)
{
	int result = sleep_inlined(seconds);

	KEEP_FRAME();
	return result + 2;
}

/* Goes on after every signal. */
static __attribute__((noinline)) int
sleep_on_below_static(int seconds)
{
	struct timespec left = {seconds, 0};

	while (nanosleep(&left, &left) != 0)
		KEEP_FRAME();
	return seconds;
}

PG_FUNCTION_INFO_V1(sleep_on_in_c);
Datum
sleep_on_in_c(PG_FUNCTION_ARGS)
{
	int result = sleep_on_below_static(PG_GETARG_INT32(0));

	KEEP_FRAME();
	PG_RETURN_INT32(result);
}

PG_FUNCTION_INFO_V1(sleep_in_c);
Datum
sleep_in_c(PG_FUNCTION_ARGS)
{
	int result = sleep_below_static(PG_GETARG_INT32(0));

	KEEP_FRAME();
	PG_RETURN_INT32(result);
}

PG_FUNCTION_INFO_V1(sleep_in_cpp);
Datum
sleep_in_cpp(PG_FUNCTION_ARGS)
{
	int result = pghang_lie_down(PG_GETARG_INT32(0));

	KEEP_FRAME();
	PG_RETURN_INT32(result);
}
