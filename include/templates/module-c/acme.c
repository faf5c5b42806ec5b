/* acme: an output that appends each record to a file. */
#define _POSIX_C_SOURCE 200809L
#include "sysloom.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const SysloomParam params[] = {
    {.size = sizeof(SysloomParam), .ty = SYSLOOM_PARAM_TYPE_PATH, .flags = SYSLOOM_PARAM_FLAG_REQUIRED,
     .name = SYSLOOM_BYTES("file"), .help = SYSLOOM_BYTES("The file to append to.")},
    {.size = sizeof(SysloomParam), .ty = SYSLOOM_PARAM_TYPE_TEMPLATE, .name = SYSLOOM_BYTES("template"),
     .help = SYSLOOM_BYTES("What a record looks like.")},
};

static void complain(SysloomComplaint *why, const char *text) {
  size_t len = strlen(text);
  why->len = len < why->cap ? (uint32_t)len : why->cap;
  memcpy(why->text, text, why->len);
}

/* An action is the name of its file; a worker is that file, open. */
static SysloomOpaque instance_new(SysloomOpaque nothing, const SysloomHost *host, uint64_t me,
                                  const SysloomValue *values, size_t n_values, SysloomComplaint *why) {
  (void)nothing, (void)host, (void)me;
  char *name = n_values ? malloc(values[0].s.len + 1) : 0;
  if (!name) {
    complain(why, "out of memory");
    return 0;
  }
  memcpy(name, values[0].s.ptr, values[0].s.len);
  name[values[0].s.len] = 0;
  return name;
}

static SysloomOpaque worker_new(SysloomOpaque instance, SysloomComplaint *why) {
  FILE *file = fopen(instance, "ae");
  if (!file) complain(why, "the file cannot be opened");
  return file;
}

static void worker_free(SysloomOpaque worker) { fclose(worker); }

static int64_t commit(SysloomOpaque worker, const SysloomRecords *records, int32_t *results, SysloomComplaint *why) {
  (void)results;
  /* With one template the block is all records, joined. */
  if (fwrite(records->block.ptr, 1, records->block.len, worker) == records->block.len && fflush(worker) == 0)
    return SYSLOOM_STATUS_OK;
  complain(why, "the file cannot be written");
  return SYSLOOM_STATUS_SUSPENDED;
}

static int64_t resume(SysloomOpaque worker, SysloomComplaint *why) {
  (void)why;
  clearerr(worker);
  return SYSLOOM_STATUS_OK;
}

static const SysloomOutputVt functions = {
    .size = sizeof functions, .instance_new = instance_new, .worker_new = worker_new,
    .worker_free = worker_free, .commit = commit, .resume = resume, .instance_free = free};

static const SysloomIface ifaces[] = {{.size = sizeof(SysloomIface), .kind = SYSLOOM_KIND_OUTPUT,
                                       .name = SYSLOOM_BYTES("acme"), .vt = &functions,
                                       .instance_params = params, .n_instance_params = 2,
                                       .default_template = SYSLOOM_BYTES("RSYSLOG_TraditionalFileFormat")}};

static const SysloomModule module = SYSLOOM_MODULE(ifaces, 1, 0);
SYSLOOM_MANIFEST(acme, "0.1.0", 1 << SYSLOOM_KIND_OUTPUT, 0);
SYSLOOM_ENTRY(acme)(const SysloomHost *host) { return host ? &module : 0; }
