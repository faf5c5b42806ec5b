/* What the daemon would do, without it: a stream in memory below, and bytes through the layer. */
#undef NDEBUG
#include "acme.c"
#include <assert.h>
#include <stdio.h>
#include <string.h>

static uint8_t below[16];
static size_t held;

static int64_t lower_read(SysloomOpaque stream, uint8_t *buf, size_t len, uint32_t *want) {
  (void)stream;
  if (held == 0) {
    *want = SYSLOOM_WANT_READ;
    return SYSLOOM_STATUS_WOULD_BLOCK;
  }
  size_t n = len < held ? len : held;
  memcpy(buf, below, n);
  held -= n;
  return (int64_t)n;
}

static int64_t lower_write(SysloomOpaque stream, const uint8_t *buf, size_t len, uint32_t *want) {
  (void)stream, (void)want;
  size_t n = len < sizeof below ? len : sizeof below;
  if (n) memcpy(below, buf, n);
  held = n;
  return (int64_t)n;
}

int main(void) {
  SysloomLower lower = {0, lower_read, lower_write, -1};
  SysloomBytes nothing = SYSLOOM_NONE;
  uint8_t buf[16];
  uint32_t want = 0;
  SysloomOpaque shared = context(0, 1, SYSLOOM_ROLE_CLIENT, 0, 0, 0);
  SysloomOpaque stream = session(shared, 0, &lower, nothing, 1, 0);
  assert(shared && stream && handshake(stream, &want, 0) == SYSLOOM_STATUS_OK);
  assert(write_some(stream, (const uint8_t *)"hello", 5, &want) == 5);
  assert(read_some(stream, buf, sizeof buf, &want) == 5 && memcmp(buf, "hello", 5) == 0);
  assert(read_some(stream, buf, sizeof buf, &want) == SYSLOOM_STATUS_WOULD_BLOCK && want == SYSLOOM_WANT_READ);
  assert(say_end(stream, &want) == SYSLOOM_STATUS_OK);
  functions.free(stream);
  functions.context_free(shared);
  puts("ok");
  return 0;
}
