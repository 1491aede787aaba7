#include <stdlib.h>
#include <string.h>
__thread int depth;
static int __attribute__((noinline)) hidden(int n) { return n < 2 ? (int)strlen(getenv("HOME")) : n; }
static int __attribute__((noinline)) hidden_twice(int n) { return hidden(n) + hidden(n + depth++); }
int sample_work(int n) { int sum = 0; for (int i = 0; i < n; ++i) sum += hidden_twice(i); if (sum == 42) abort(); return sum; }
int sample_alias(int n) __attribute__((alias("sample_work")));
void sample_free(void *p) { free(p); }
