/* acme: a netstream layer that passes everything on. streamDriver.name="acme" puts it over plain TCP. */
#include "sysloom.h"
#include <stdlib.h>

static SysloomOpaque context(const SysloomHost *host, uint64_t me, uint32_t role, const SysloomValue *values,
                             size_t n_values, SysloomComplaint *why) {
  (void)host, (void)me, (void)role, (void)values, (void)n_values, (void)why;
  /* Any pointer but null: sessions share nothing. */
  return malloc(1);
}

static SysloomOpaque session(SysloomOpaque shared, uint32_t server, const SysloomLower *lower,
                             SysloomBytes server_name, uint64_t conn, SysloomComplaint *why) {
  (void)shared, (void)server, (void)server_name, (void)conn, (void)why;
  SysloomLower *own = malloc(sizeof *own);
  if (own) *own = *lower;
  return own;
}

static int64_t handshake(SysloomOpaque stream, uint32_t *want, SysloomComplaint *why) {
  (void)stream, (void)want, (void)why;
  return SYSLOOM_STATUS_OK;
}

static int64_t read_some(SysloomOpaque stream, uint8_t *buf, size_t len, uint32_t *want) {
  const SysloomLower *lower = stream;
  return lower->read(lower->stream, buf, len, want);
}

/* A length of 0 flushes: what is held back must go down then. */
static int64_t write_some(SysloomOpaque stream, const uint8_t *buf, size_t len, uint32_t *want) {
  const SysloomLower *lower = stream;
  return lower->write(lower->stream, buf, len, want);
}

static int64_t say_end(SysloomOpaque stream, uint32_t *want) {
  (void)stream, (void)want;
  return SYSLOOM_STATUS_OK;
}

static int64_t peer(SysloomOpaque stream, SysloomPeer *out) {
  (void)stream, (void)out;
  return SYSLOOM_STATUS_OK;
}

static int64_t reason(SysloomOpaque stream, SysloomComplaint *why) {
  (void)stream;
  why->len = 0;
  return SYSLOOM_STATUS_OK;
}

static const SysloomDriverVt functions = {
    .size = sizeof functions, .context = context, .context_free = free, .session = session,
    .handshake = handshake, .read = read_some, .write = write_some, .shutdown = say_end,
    .peer = peer, .reason = reason, .free = free};

static const SysloomIface ifaces[] = {
    {.size = sizeof(SysloomIface), .kind = SYSLOOM_KIND_DRIVER, .name = SYSLOOM_BYTES("acme"), .vt = &functions}};

static const SysloomModule module = SYSLOOM_MODULE(ifaces, 1, 0);
/* Add SYSLOOM_MANIFEST_FLAG_ENCRYPTS only if nobody on the way can read what is sent. */
SYSLOOM_MANIFEST(acme, "0.1.0", 1 << SYSLOOM_KIND_DRIVER, SYSLOOM_MANIFEST_FLAG_LAYER);
SYSLOOM_ENTRY(acme)(const SysloomHost *host) { return host ? &module : 0; }
