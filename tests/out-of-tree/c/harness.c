/*
 * A host of its own for acmessl and omspool, linked with both, so that they run whole under AddressSanitizer, under
 * UndefinedBehaviorSanitizer and under valgrind, with every byte between them in memory.
 *
 *   harness DIRECTORY    with cert.pem and key.pem in it; says "ok" at the end, or what was wrong
 */
#include "sysloom.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const SysloomModule *sysloom_entry__acmessl(const SysloomHost *host);
const SysloomModule *sysloom_entry__omspool(const SysloomHost *host);

#define EXPECT(condition)                                             \
  do {                                                                \
    if (!(condition)) {                                               \
      fprintf(stderr, "line %d: not so: %s\n", __LINE__, #condition); \
      exit(1);                                                        \
    }                                                                 \
  } while (0)

static uint64_t counted;
static int64_t judgement = SYSLOOM_STATUS_OK;
static int asked;

static const uint64_t *counter(SysloomOpaque h, uint64_t me, SysloomBytes name) {
  (void)h, (void)me, (void)name;
  return &counted;
}

static int64_t verdict(SysloomOpaque h, uint64_t conn, const SysloomPeer *peer, SysloomComplaint *why) {
  (void)h, (void)conn;
  asked++;
  /* Every byte of the chain is there to be read. */
  size_t sum = 0;
  for (size_t i = 0; i < peer->n_chain; i++)
    for (size_t k = 0; k < peer->chain[i].len; k++) sum += peer->chain[i].ptr[k];
  EXPECT(sum > 0);
  if (judgement != SYSLOOM_STATUS_OK) {
    why->code = 48;
    why->len = 7;
    memcpy(why->text, "refused", 7);
  }
  return judgement;
}

static const SysloomHost host = {.size = sizeof host, .abi_minor = 1, .counter = counter, .verdict = verdict};

/* One direction of a stream in memory, with as much room as the test allows. */
struct pipe {
  uint8_t *data;
  size_t len, room;
  int closed;
};

struct end {
  struct pipe *in, *out;
};

static int64_t end_read(SysloomOpaque stream, uint8_t *buf, size_t len, uint32_t *want) {
  struct pipe *in = ((struct end *)stream)->in;
  if (in->len == 0) {
    *want = SYSLOOM_WANT_READ;
    return in->closed ? SYSLOOM_STATUS_CLOSED : SYSLOOM_STATUS_WOULD_BLOCK;
  }
  size_t n = len < in->len ? len : in->len;
  memcpy(buf, in->data, n);
  memmove(in->data, in->data + n, in->len - n);
  in->len -= n;
  return (int64_t)n;
}

static int64_t end_write(SysloomOpaque stream, const uint8_t *buf, size_t len, uint32_t *want) {
  struct pipe *out = ((struct end *)stream)->out;
  if (len == 0) return 0;
  size_t n = len < out->room - out->len ? len : out->room - out->len;
  if (n == 0) {
    *want = SYSLOOM_WANT_WRITE;
    return SYSLOOM_STATUS_WOULD_BLOCK;
  }
  memcpy(out->data + out->len, buf, n);
  out->len += n;
  return (int64_t)n;
}

static SysloomBytes text(const char *words) { return (SysloomBytes){(const uint8_t *)words, strlen(words)}; }

static SysloomValue value(const char *words) {
  return (SysloomValue){.origin = words ? SYSLOOM_ORIGIN_CONFIGURED : SYSLOOM_ORIGIN_UNSET,
                        .s = words ? text(words) : (SysloomBytes){0, 0}};
}

static char said[300];
static SysloomComplaint why;

static SysloomComplaint *words(void) {
  memset(said, 0, sizeof said);
  why = (SysloomComplaint){.param = -1, .cap = sizeof said - 1, .text = (uint8_t *)said};
  return &why;
}

/* Both sides of a connection. */
struct talk {
  struct pipe there, back;
  struct end client_end, server_end;
  SysloomOpaque client, server;
};

static void begin(struct talk *talk, const SysloomDriverVt *vt, SysloomOpaque client, SysloomOpaque server, size_t room) {
  memset(talk, 0, sizeof *talk);
  talk->there = (struct pipe){malloc(room), 0, room, 0};
  talk->back = (struct pipe){malloc(room), 0, room, 0};
  talk->client_end = (struct end){&talk->back, &talk->there};
  talk->server_end = (struct end){&talk->there, &talk->back};
  SysloomLower lower = {&talk->client_end, end_read, end_write, -1};
  talk->client = vt->session(client, 0, &lower, text("collector.example.net"), 1, words());
  lower.stream = &talk->server_end;
  talk->server = vt->session(server, 1, &lower, text(""), 2, words());
  EXPECT(talk->client && talk->server);
}

static void finish(struct talk *talk, const SysloomDriverVt *vt) {
  vt->free(talk->client);
  vt->free(talk->server);
  free(talk->there.data);
  free(talk->back.data);
}

/* Shakes hands until one side ends or both are done: the client's and the server's last answer. */
static void shake(struct talk *talk, const SysloomDriverVt *vt, int64_t *client, int64_t *server) {
  uint32_t want;
  *client = *server = SYSLOOM_STATUS_WOULD_BLOCK;
  for (int i = 0; i < 100000; i++) {
    if (*client == SYSLOOM_STATUS_WOULD_BLOCK) *client = vt->handshake(talk->client, &want, words());
    if (*server == SYSLOOM_STATUS_WOULD_BLOCK) *server = vt->handshake(talk->server, &want, words());
    if (*client != SYSLOOM_STATUS_WOULD_BLOCK && *server != SYSLOOM_STATUS_WOULD_BLOCK) return;
  }
}

static void driver(const char *directory) {
  const SysloomModule *module = sysloom_entry__acmessl(&host);
  EXPECT(module && module->n_ifaces == 1);
  const SysloomDriverVt *vt = module->ifaces[0].vt;
  char cert[4096], key[4096];
  snprintf(cert, sizeof cert, "%s/cert.pem", directory);
  snprintf(key, sizeof key, "%s/key.pem", directory);
  SysloomValue values[SYSLOOM_STREAM_PARAM_COUNT];
  for (size_t i = 0; i < SYSLOOM_STREAM_PARAM_COUNT; i++) values[i] = value(0);
  SysloomOpaque client = vt->context(&host, 1, SYSLOOM_ROLE_CLIENT, values, SYSLOOM_STREAM_PARAM_COUNT, words());
  EXPECT(client);
  /* What is wrong with a configuration is said at its parameter. */
  EXPECT(!vt->context(&host, 1, SYSLOOM_ROLE_SERVER, values, SYSLOOM_STREAM_PARAM_COUNT, words()));
  EXPECT(why.param == SYSLOOM_STREAM_PARAM_CERT_FILE);
  values[SYSLOOM_STREAM_PARAM_CERT_FILE] = value(cert);
  values[SYSLOOM_STREAM_PARAM_KEY_FILE] = value(cert);
  EXPECT(!vt->context(&host, 1, SYSLOOM_ROLE_SERVER, values, SYSLOOM_STREAM_PARAM_COUNT, words()));
  EXPECT(why.param == SYSLOOM_STREAM_PARAM_KEY_FILE && why.len > 0);
  values[SYSLOOM_STREAM_PARAM_KEY_FILE] = value(key);
  SysloomOpaque server = vt->context(&host, 1, SYSLOOM_ROLE_SERVER, values, SYSLOOM_STREAM_PARAM_COUNT, words());
  if (!server) fprintf(stderr, "%s\n", said);
  EXPECT(server);

  struct talk talk;
  int64_t c, s;
  uint32_t want;
  /* Seven bytes at a time: every place at which a record can be cut. */
  size_t rooms[] = {7, 1 << 16};
  for (size_t r = 0; r < 2; r++) {
    begin(&talk, vt, client, server, rooms[r]);
    asked = 0;
    shake(&talk, vt, &c, &s);
    EXPECT(c == SYSLOOM_STATUS_OK && s == SYSLOOM_STATUS_OK && asked == 1);
    SysloomPeer peer = {.size = sizeof peer};
    EXPECT(vt->peer(talk.server, &peer) == SYSLOOM_STATUS_OK && peer.server == 1);
    EXPECT(peer.server_name.len == 21 && memcmp(peer.server_name.ptr, "collector.example.net", 21) == 0);
    EXPECT(vt->peer(talk.client, &peer) == SYSLOOM_STATUS_OK && peer.n_chain >= 1);
    static uint8_t sent[40000], got[40000];
    for (size_t i = 0; i < sizeof sent; i++) sent[i] = (uint8_t)(i * 31 >> 3);
    size_t out = 0, in = 0;
    while (in < sizeof sent) {
      if (out < sizeof sent) {
        int64_t n = vt->write(talk.client, sent + out, sizeof sent - out, &want);
        EXPECT(n > 0 || n == SYSLOOM_STATUS_WOULD_BLOCK);
        out += n > 0 ? (size_t)n : 0;
      }
      int64_t n = vt->read(talk.server, got + in, sizeof got - in, &want);
      EXPECT(n > 0 || n == SYSLOOM_STATUS_WOULD_BLOCK);
      in += n > 0 ? (size_t)n : 0;
    }
    EXPECT(memcmp(sent, got, sizeof sent) == 0);
    int64_t ended;
    do {
      ended = vt->shutdown(talk.client, &want);
      c = vt->read(talk.server, got, sizeof got, &want);
    } while (ended == SYSLOOM_STATUS_WOULD_BLOCK || c == SYSLOOM_STATUS_WOULD_BLOCK);
    EXPECT(ended == SYSLOOM_STATUS_OK && c == SYSLOOM_STATUS_CLOSED);
    finish(&talk, vt);
  }

  judgement = SYSLOOM_STATUS_REFUSED;
  begin(&talk, vt, client, server, 1 << 16);
  shake(&talk, vt, &c, &s);
  EXPECT(c == SYSLOOM_STATUS_REFUSED);
  uint8_t buf[100];
  s = s == SYSLOOM_STATUS_OK ? vt->read(talk.server, buf, sizeof buf, &want) : s;
  EXPECT(s == SYSLOOM_STATUS_FAILED && vt->reason(talk.server, words()) == SYSLOOM_STATUS_OK);
  EXPECT(strstr(said, "unknown ca"));
  EXPECT(vt->read(talk.client, buf, sizeof buf, &want) == SYSLOOM_STATUS_FAILED);
  EXPECT(vt->shutdown(talk.client, &want) == SYSLOOM_STATUS_OK);
  finish(&talk, vt);
  judgement = SYSLOOM_STATUS_OK;

  const char *garbage[] = {"<13>plain text\n", "\x16\x03\x01\xff\xff", "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", ""};
  for (size_t i = 0; i < 4; i++) {
    begin(&talk, vt, client, server, 1 << 16);
    size_t len = i == 2 ? 10 : strlen(garbage[i]);
    memcpy(talk.there.data, garbage[i], len);
    talk.there.len = len;
    talk.there.closed = 1;
    do s = vt->handshake(talk.server, &want, words());
    while (s == SYSLOOM_STATUS_WOULD_BLOCK);
    EXPECT(s == SYSLOOM_STATUS_FAILED || s == SYSLOOM_STATUS_CLOSED);
    finish(&talk, vt);
  }
  vt->context_free(client);
  vt->context_free(server);
  module->shutdown();
}

static void output(const char *directory) {
  const SysloomModule *module = sysloom_entry__omspool(&host);
  const SysloomOutputVt *vt = module->ifaces[0].vt;
  char spool[4096];
  snprintf(spool, sizeof spool, "%s/spool", directory);
  SysloomValue values[] = {value(""), value("on"), value(0)};
  EXPECT(!vt->instance_new(0, &host, 1, values, 3, words()) && why.param == 0);
  values[0] = value("/nowhere/at/all");
  uint8_t block[] = "onetwo";
  SysloomSpan cells[] = {{0, 3}, {3, 3}};
  uint64_t messages[] = {1, 2};
  SysloomRecords records = {.size = sizeof records, .n_cols = 1, .n_rows = 2, .block = {block, 6},
                            .cells = cells, .messages = messages};
  int32_t results[2] = {9, 9};
  SysloomOpaque away = vt->instance_new(0, &host, 1, values, 3, words());
  SysloomOpaque worker = vt->worker_new(away, words());
  EXPECT(vt->commit(worker, &records, results, words()) == SYSLOOM_STATUS_SUSPENDED && why.len > 0);
  EXPECT(vt->resume(worker, words()) == SYSLOOM_STATUS_SUSPENDED);
  vt->worker_free(worker);
  vt->instance_free(away);
  values[0] = value(spool);
  values[1].i = 1;
  SysloomOpaque there = vt->instance_new(0, &host, 1, values, 3, words());
  worker = vt->worker_new(there, words());
  EXPECT(vt->commit(worker, &records, results, words()) == SYSLOOM_STATUS_OK);
  EXPECT(results[0] == SYSLOOM_RESULT_OK && results[1] == SYSLOOM_RESULT_OK && counted == 2);
  EXPECT(vt->resume(worker, words()) == SYSLOOM_STATUS_OK);
  vt->worker_free(worker);
  vt->instance_free(there);
}

int main(int argc, char **argv) {
  EXPECT(argc == 2);
  driver(argv[1]);
  output(argv[1]);
  puts("ok");
  return 0;
}
