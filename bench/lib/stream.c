/* STREAM's triad (McCalpin), a = b + 3 c in doubles: node bench/stream.mjs compiles it. Threads touch their own parts; each repeat is timed
   whole, from the first thread that begins to the last that ends. Prints bytes a second of each repeat, one a line. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static long each, repeats;
static int threads;
static pthread_barrier_t barrier;
static double *starts, *ends;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}

static void *work(void *number) {
  long id = (long)number;
  double *a = malloc(each * sizeof(double)), *b = malloc(each * sizeof(double)), *c = malloc(each * sizeof(double));
  for (long i = 0; i < each; i++) a[i] = 1, b[i] = 2, c[i] = i;
  for (long r = 0; r <= repeats; r++) {
    pthread_barrier_wait(&barrier);
    starts[id] = now();
    for (long i = 0; i < each; i++) a[i] = b[i] + 3.0 * c[i];
    ends[id] = now();
    pthread_barrier_wait(&barrier);
    if (id == 0 && r > 0) {
      double first = starts[0], last = ends[0];
      for (int t = 1; t < threads; t++) {
        if (starts[t] < first) first = starts[t];
        if (ends[t] > last) last = ends[t];
      }
      printf("%.0f\n", 24.0 * each * threads / (last - first));
    }
  }
  if (a[each - 1] < 0) printf("0\n");
  return NULL;
}

int main(int count, char **words) {
  threads = count > 1 ? atoi(words[1]) : 1;
  each = count > 2 ? atol(words[2]) / 24 : 8388608;
  repeats = count > 3 ? atol(words[3]) : 20;
  starts = malloc(threads * sizeof(double));
  ends = malloc(threads * sizeof(double));
  pthread_barrier_init(&barrier, NULL, threads);
  pthread_t *all = malloc(threads * sizeof(pthread_t));
  for (long t = 0; t < threads; t++) pthread_create(&all[t], NULL, work, (void *)t);
  for (int t = 0; t < threads; t++) pthread_join(all[t], NULL);
  return 0;
}
