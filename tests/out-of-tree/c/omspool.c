/*
 * omspool: an output that puts each record into a file of its own, as mail spools do: written under a name that begins
 * with a dot, renamed when it is whole. A directory that is away suspends the action.
 *
 *   cc -shared -fPIC -I sysloom/include omspool.c -o omspool.so
 */
#define _POSIX_C_SOURCE 200809L
#include "sysloom.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DIRECTORY, SYNC, TEMPLATE, N_PARAMS };

static const SysloomParam params[N_PARAMS] = {
    [DIRECTORY] = {.size = sizeof(SysloomParam), .ty = SYSLOOM_PARAM_TYPE_PATH,
                   .flags = SYSLOOM_PARAM_FLAG_REQUIRED, .name = SYSLOOM_BYTES("directory"),
                   .help = SYSLOOM_BYTES("Where the files are put.")},
    [SYNC] = {.size = sizeof(SysloomParam), .ty = SYSLOOM_PARAM_TYPE_BINARY, .name = SYSLOOM_BYTES("sync"),
              .default_ = SYSLOOM_BYTES("off"), .help = SYSLOOM_BYTES("Whether each file is on disk before its name.")},
    /* The daemon renders it; an output that has this option lets an action name its template. */
    [TEMPLATE] = {.size = sizeof(SysloomParam), .ty = SYSLOOM_PARAM_TYPE_TEMPLATE, .name = SYSLOOM_BYTES("template"),
                  .help = SYSLOOM_BYTES("What a file holds.")},
};

struct spool {
  uint64_t *written;
  uint64_t serial; /* of all workers together */
  int sync;
  char directory[]; /* ends in a NUL */
};

static void complain(SysloomComplaint *why, int32_t param, const char *text) {
  size_t len = strlen(text);
  why->param = param;
  why->len = len < why->cap ? (uint32_t)len : why->cap;
  memcpy(why->text, text, why->len);
}

static void in_the_way(const struct spool *spool, SysloomComplaint *why, int error) {
  char text[512];
  snprintf(text, sizeof text, "cannot write to '%.400s': %s", spool->directory, strerror(error));
  complain(why, -1, text);
}

static SysloomOpaque instance_new(SysloomOpaque nothing, const SysloomHost *host, uint64_t me,
                                  const SysloomValue *values, size_t n_values, SysloomComplaint *why) {
  (void)nothing;
  if (n_values < N_PARAMS) return 0;
  SysloomBytes directory = values[DIRECTORY].s;
  if (directory.len == 0 || memchr(directory.ptr, 0, directory.len)) {
    complain(why, DIRECTORY, "this is no name of a directory");
    return 0;
  }
  struct spool *spool = calloc(1, sizeof *spool + directory.len + 1);
  if (!spool) return 0;
  memcpy(spool->directory, directory.ptr, directory.len);
  spool->sync = values[SYNC].i != 0;
  spool->written = (uint64_t *)host->counter(host->h, me, (SysloomBytes)SYSLOOM_BYTES("written"));
  return spool;
}

/* Workers need nothing of their own. */
static SysloomOpaque worker_new(SysloomOpaque instance, SysloomComplaint *why) {
  (void)why;
  return instance;
}

static void worker_free(SysloomOpaque worker) { (void)worker; }

/* 0, or the error. */
static int write_file(struct spool *spool, int directory, const uint8_t *text, size_t len) {
  char name[64];
  uint64_t serial = __atomic_fetch_add(&spool->serial, 1, __ATOMIC_RELAXED);
  snprintf(name, sizeof name, ".%ld.%012llu", (long)getpid(), (unsigned long long)serial);
  int file = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
  if (file < 0) return errno;
  int error = 0;
  for (size_t done = 0; done < len && !error;) {
    ssize_t n = write(file, text + done, len - done);
    if (n >= 0)
      done += (size_t)n;
    else if (errno != EINTR)
      error = errno;
  }
  if (!error && spool->sync && fdatasync(file) < 0) error = errno;
  if (close(file) < 0 && !error) error = errno;
  if (!error && renameat(directory, name, directory, name + 1) < 0) error = errno;
  if (error) unlinkat(directory, name, 0);
  return error;
}

static int64_t commit(SysloomOpaque worker, const SysloomRecords *records, int32_t *results, SysloomComplaint *why) {
  struct spool *spool = worker;
  int directory = open(spool->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) {
    in_the_way(spool, why, errno);
    return SYSLOOM_STATUS_SUSPENDED;
  }
  size_t done = 0;
  int error = 0;
  for (; done < records->n_rows && !error; done++) {
    SysloomSpan cell = records->cells[done * records->n_cols];
    error = write_file(spool, directory, records->block.ptr + cell.off, cell.len);
    results[done] = error ? SYSLOOM_RESULT_RETRY : SYSLOOM_RESULT_OK;
  }
  close(directory);
  if (!error) {
    __atomic_fetch_add(spool->written, done, __ATOMIC_RELAXED);
    return SYSLOOM_STATUS_OK;
  }
  __atomic_fetch_add(spool->written, done - 1, __ATOMIC_RELAXED);
  for (; done < records->n_rows; done++) results[done] = SYSLOOM_RESULT_RETRY;
  in_the_way(spool, why, error);
  return SYSLOOM_STATUS_PARTLY;
}

static int64_t resume(SysloomOpaque worker, SysloomComplaint *why) {
  struct spool *spool = worker;
  if (access(spool->directory, W_OK | X_OK) == 0) return SYSLOOM_STATUS_OK;
  in_the_way(spool, why, errno);
  return SYSLOOM_STATUS_SUSPENDED;
}

static const SysloomOutputVt functions = {
    .size = sizeof functions, .instance_new = instance_new, .worker_new = worker_new,
    .worker_free = worker_free, .commit = commit, .resume = resume, .instance_free = free};

static const SysloomIface ifaces[] = {{.size = sizeof(SysloomIface), .kind = SYSLOOM_KIND_OUTPUT,
                                       .name = SYSLOOM_BYTES("omspool"), .vt = &functions,
                                       .instance_params = params, .n_instance_params = N_PARAMS,
                                       .default_template = SYSLOOM_BYTES("RSYSLOG_TraditionalFileFormat")}};

static const SysloomModule module = SYSLOOM_MODULE(ifaces, 1, 0);
SYSLOOM_MANIFEST(omspool, "1.0.0", 1 << SYSLOOM_KIND_OUTPUT, 0);

SYSLOOM_ENTRY(omspool)(const SysloomHost *host) {
  return host->size >= offsetof(SysloomHost, peer_intern) ? &module : 0;
}
