/* What the daemon would do, without it. */
#undef NDEBUG
#include "acme.c"
#include <assert.h>

int main(void) {
  const char *name = "acme-test.out";
  SysloomValue values[2] = {{.origin = SYSLOOM_ORIGIN_CONFIGURED, .s = {(const uint8_t *)name, strlen(name)}}};
  char said[100];
  SysloomComplaint why = {.param = -1, .cap = sizeof said, .text = (uint8_t *)said};
  SysloomSpan cells[] = {{0, 4}, {4, 4}};
  SysloomRecords records = {.size = sizeof records, .n_cols = 1, .n_rows = 2,
                            .block = {(const uint8_t *)"one\ntwo\n", 8}, .cells = cells};
  int32_t results[2];
  remove(name);
  SysloomOpaque instance = instance_new(0, 0, 1, values, 2, &why);
  SysloomOpaque worker = worker_new(instance, &why);
  assert(instance && worker);
  assert(commit(worker, &records, results, &why) == SYSLOOM_STATUS_OK);
  worker_free(worker);
  free(instance);
  char got[20];
  FILE *file = fopen(name, "r");
  assert(file && fread(got, 1, sizeof got, file) == 8 && memcmp(got, "one\ntwo\n", 8) == 0);
  fclose(file);
  remove(name);
  puts("ok");
  return 0;
}
