/*
 * acmessl: a netstream layer that speaks TLS with OpenSSL, written against sysloom.h alone.
 *
 * The daemon judges certificates: the handshake hands the peer's chain to host->verdict and turns a refusal into
 * OpenSSL's alert. There are no tickets and no session cache, so every handshake is a full one.
 *
 *   cc -shared -fPIC -I sysloom/include acmessl.c -o nsd_acmessl.so -lssl -lcrypto
 */
#include "sysloom.h"
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CHAIN = 16, MAX_PATH = 4096 };

struct context {
  const SysloomHost *host;
  uint64_t me;
  SSL_CTX *ssl;
};

struct session {
  const struct context *context;
  SysloomLower lower;
  SSL *ssl;
  uint64_t conn;
  uint32_t want; /* what the stream below waits for */
  int server, refused, broken, said_end;
  char why[1024];
  unsigned char *der[MAX_CHAIN];
  SysloomBytes chain[MAX_CHAIN];
  size_t n_chain;
};

static BIO_METHOD *bio_method;

static void complain(SysloomComplaint *why, int32_t param, const char *text) {
  size_t len = strlen(text);
  why->param = param;
  why->len = len < why->cap ? (uint32_t)len : why->cap;
  memcpy(why->text, text, why->len);
}

static SysloomBytes bytes(const char *text) {
  return (SysloomBytes){(const uint8_t *)text, text ? strlen(text) : 0};
}

/* The oldest of OpenSSL's errors in words. */
static void last_error(char *out, size_t cap, const char *otherwise) {
  const char *reason = ERR_reason_error_string(ERR_peek_error());
  snprintf(out, cap, "%s", reason ? reason : otherwise);
  ERR_clear_error();
}

/* The stream below as a BIO. */

static int bio_result(BIO *bio, int64_t n, int reading) {
  if (n == SYSLOOM_STATUS_WOULD_BLOCK)
    reading ? BIO_set_retry_read(bio) : BIO_set_retry_write(bio);
  else if (n == SYSLOOM_STATUS_CLOSED)
    BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return n > 0 ? (int)n : n == SYSLOOM_STATUS_CLOSED ? 0 : -1;
}

static int bio_read(BIO *bio, char *buf, int len) {
  struct session *session = BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  session->want = 0;
  return bio_result(bio, session->lower.read(session->lower.stream, (uint8_t *)buf, (size_t)len, &session->want), 1);
}

static int bio_write(BIO *bio, const char *buf, int len) {
  struct session *session = BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  session->want = 0;
  if (len <= 0) return 0;
  return bio_result(
      bio, session->lower.write(session->lower.stream, (const uint8_t *)buf, (size_t)len, &session->want), 0);
}

static long bio_ctrl(BIO *bio, int what, long number, void *pointer) {
  (void)number, (void)pointer;
  if (what == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
  return what == BIO_CTRL_FLUSH;
}

static int bio_create(BIO *bio) {
  BIO_set_init(bio, 1);
  return 1;
}

/* What one listener's or action's sessions share. */

/* An alert's number to the verification error that makes OpenSSL send it. */
static int error_of(int32_t alert) {
  switch (alert) {
    case 43: return X509_V_ERR_INVALID_PURPOSE;
    case 44: return X509_V_ERR_CERT_REVOKED;
    case 45: return X509_V_ERR_CERT_HAS_EXPIRED;
    case 48: return X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY;
    case 51: return X509_V_ERR_CERT_SIGNATURE_FAILURE;
    default: return X509_V_ERR_CERT_REJECTED;
  }
}

static void forget_chain(struct session *session) {
  for (size_t i = 0; i < session->n_chain; i++) OPENSSL_free(session->der[i]);
  session->n_chain = 0;
}

static void keep_chain(struct session *session, STACK_OF(X509) *chain) {
  forget_chain(session);
  for (int i = 0; i < sk_X509_num(chain) && i < MAX_CHAIN; i++) {
    unsigned char *der = 0;
    int len = i2d_X509(sk_X509_value(chain, i), &der);
    if (len <= 0) return;
    session->der[i] = der;
    session->chain[i] = (SysloomBytes){der, (size_t)len};
    session->n_chain++;
  }
}

static SysloomPeer facts(const struct session *session) {
  SysloomPeer peer = {.size = sizeof peer, .server = (uint32_t)session->server};
  peer.chain = session->chain;
  peer.n_chain = session->n_chain;
  peer.server_name = bytes(SSL_get_servername(session->ssl, TLSEXT_NAMETYPE_host_name));
  peer.protocol = bytes(SSL_get_version(session->ssl));
  peer.cipher = bytes(SSL_get_cipher_name(session->ssl));
  return peer;
}

static int verify(X509_STORE_CTX *store, void *unused) {
  (void)unused;
  const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
  struct session *session = SSL_get_app_data(ssl);
  const SysloomHost *host = session->context->host;
  keep_chain(session, X509_STORE_CTX_get0_untrusted(store));
  SysloomPeer peer = facts(session);
  SysloomComplaint why = {
      .param = -1, .cap = sizeof session->why - 1, .text = (uint8_t *)session->why};
  if (host->verdict(host->h, session->conn, &peer, &why) == SYSLOOM_STATUS_OK) return 1;
  session->why[why.len] = 0;
  session->refused = 1;
  X509_STORE_CTX_set_error(store, error_of(why.code));
  return 0;
}

/* A value as a C string; 0 if nobody set it. */
static const char *word(const SysloomValue *values, size_t n_values, size_t which, char *out, size_t cap) {
  if (which >= n_values || values[which].origin == SYSLOOM_ORIGIN_UNSET) return 0;
  SysloomBytes text = values[which].s;
  if (text.len == 0 || text.len >= cap) return 0;
  memcpy(out, text.ptr, text.len);
  out[text.len] = 0;
  return out;
}

static void context_free(SysloomOpaque opaque) {
  struct context *context = opaque;
  if (context) SSL_CTX_free(context->ssl);
  free(context);
}

static SysloomOpaque context_new(const SysloomHost *host, uint64_t me, uint32_t role, const SysloomValue *values,
                                 size_t n_values, SysloomComplaint *why) {
  char text[MAX_PATH], what[320], said[200];
  if (word(values, n_values, SYSLOOM_STREAM_PARAM_PRIORITY, text, sizeof text)) {
    complain(why, SYSLOOM_STREAM_PARAM_PRIORITY, "acmessl has no gnutlsPriorityString: it uses OpenSSL's defaults");
    return 0;
  }
  struct context *context = calloc(1, sizeof *context);
  if (!context) return 0;
  *context = (struct context){host, me, SSL_CTX_new(TLS_method())};
  if (!context->ssl) {
    complain(why, -1, "OpenSSL makes no context");
    context_free(context);
    return 0;
  }
  SSL_CTX_set_min_proto_version(context->ssl, TLS1_2_VERSION);
  SSL_CTX_set_options(context->ssl, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                        SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                     SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context->ssl, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context->ssl, 0);
  SSL_CTX_set_cert_verify_callback(context->ssl, verify, 0);
  const char *auth = word(values, n_values, SYSLOOM_STREAM_PARAM_AUTH_MODE, text, sizeof text);
  int anon = role == SYSLOOM_ROLE_SERVER && (!auth || strcmp(auth, "anon") == 0);
  SSL_CTX_set_verify(context->ssl, anon ? SSL_VERIFY_NONE : SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, 0);

  int32_t param = SYSLOOM_STREAM_PARAM_CERT_FILE;
  ERR_clear_error();
  const char *file = word(values, n_values, SYSLOOM_STREAM_PARAM_CERT_FILE, text, sizeof text);
  if (!file && role == SYSLOOM_ROLE_SERVER) {
    complain(why, param, "a TLS server needs a certificate");
    context_free(context);
    return 0;
  }
  if (file && SSL_CTX_use_certificate_chain_file(context->ssl, file) == 1) {
    param = SYSLOOM_STREAM_PARAM_KEY_FILE;
    file = word(values, n_values, SYSLOOM_STREAM_PARAM_KEY_FILE, text, sizeof text);
    if (file && SSL_CTX_use_PrivateKey_file(context->ssl, file, SSL_FILETYPE_PEM) == 1) return context;
    if (!file) snprintf(text, sizeof text, "(none)");
  } else if (!file) {
    return context;
  }
  last_error(said, sizeof said, "unknown error");
  snprintf(what, sizeof what, "OpenSSL cannot use '%.80s': %s", text, said);
  complain(why, param, what);
  context_free(context);
  return 0;
}

/* Sessions. */

/* What OpenSSL's result means to the host. */
static int64_t outcome(struct session *session, int result, uint32_t *want) {
  switch (SSL_get_error(session->ssl, result)) {
    case SSL_ERROR_WANT_READ: *want = session->want ? session->want : SYSLOOM_WANT_READ; break;
    case SSL_ERROR_WANT_WRITE: *want = session->want ? session->want : SYSLOOM_WANT_WRITE; break;
    case SSL_ERROR_ZERO_RETURN: return SYSLOOM_STATUS_CLOSED;
    default:
      session->broken = 1;
      if (session->refused) {
        ERR_clear_error();
        return SYSLOOM_STATUS_REFUSED;
      }
      last_error(session->why, sizeof session->why, "the stream below failed or ended");
      return SYSLOOM_STATUS_FAILED;
  }
  return SYSLOOM_STATUS_WOULD_BLOCK;
}

static int64_t session_reason(SysloomOpaque opaque, SysloomComplaint *why) {
  complain(why, -1, ((const struct session *)opaque)->why);
  return SYSLOOM_STATUS_OK;
}

static void session_free(SysloomOpaque opaque) {
  struct session *session = opaque;
  if (!session) return;
  forget_chain(session);
  SSL_free(session->ssl);
  free(session);
}

static SysloomOpaque session_new(SysloomOpaque opaque, uint32_t server, const SysloomLower *lower,
                                 SysloomBytes server_name, uint64_t conn, SysloomComplaint *why) {
  struct context *context = opaque;
  struct session *session = calloc(1, sizeof *session);
  BIO *bio = BIO_new(bio_method);
  char name[256];
  if (!session || !bio || !(session->ssl = SSL_new(context->ssl)) || server_name.len >= sizeof name) {
    complain(why, -1, server_name.len >= sizeof name ? "the server's name is too long" : "out of memory");
    BIO_free(bio);
    session_free(session);
    return 0;
  }
  session->context = context;
  session->lower = *lower;
  session->conn = conn;
  session->server = server != 0;
  BIO_set_data(bio, session);
  SSL_set_bio(session->ssl, bio, bio);
  SSL_set_app_data(session->ssl, session);
  server ? SSL_set_accept_state(session->ssl) : SSL_set_connect_state(session->ssl);
  if (server_name.len) {
    memcpy(name, server_name.ptr, server_name.len);
    name[server_name.len] = 0;
    SSL_set_tlsext_host_name(session->ssl, name);
  }
  return session;
}

static int64_t session_handshake(SysloomOpaque opaque, uint32_t *want, SysloomComplaint *why) {
  struct session *session = opaque;
  if (session->broken) return session->refused ? SYSLOOM_STATUS_REFUSED : SYSLOOM_STATUS_FAILED;
  ERR_clear_error();
  int result = SSL_do_handshake(session->ssl);
  if (result == 1) return SYSLOOM_STATUS_OK;
  int64_t status = outcome(session, result, want);
  if (status != SYSLOOM_STATUS_WOULD_BLOCK) session_reason(session, why);
  return status;
}

static int64_t session_read(SysloomOpaque opaque, uint8_t *buf, size_t len, uint32_t *want) {
  struct session *session = opaque;
  if (session->broken) return SYSLOOM_STATUS_FAILED;
  size_t n = 0;
  ERR_clear_error();
  int result = SSL_read_ex(session->ssl, buf, len, &n);
  return result == 1 ? (int64_t)n : outcome(session, result, want);
}

static int64_t session_write(SysloomOpaque opaque, const uint8_t *buf, size_t len, uint32_t *want) {
  struct session *session = opaque;
  if (session->broken) return SYSLOOM_STATUS_FAILED;
  if (len == 0) return session->lower.write(session->lower.stream, buf, 0, want);
  size_t n = 0;
  ERR_clear_error();
  int result = SSL_write_ex(session->ssl, buf, len, &n);
  return result == 1 ? (int64_t)n : outcome(session, result, want);
}

static int64_t session_shutdown(SysloomOpaque opaque, uint32_t *want) {
  struct session *session = opaque;
  /* OpenSSL has nothing to close in order before the handshake is over, nor after a failure. */
  if (session->broken || SSL_in_init(session->ssl)) return SYSLOOM_STATUS_OK;
  ERR_clear_error();
  /* SSL_SENT_SHUTDOWN says nothing of whether the alert has left: OpenSSL sets it first. */
  int result = session->said_end ? 0 : SSL_shutdown(session->ssl);
  if (result < 0) return outcome(session, result, want);
  session->said_end = 1;
  return session->lower.write(session->lower.stream, 0, 0, want);
}

static int64_t session_peer(SysloomOpaque opaque, SysloomPeer *out) {
  if (out->size < sizeof *out) return SYSLOOM_STATUS_INVALID;
  *out = facts(opaque);
  return SYSLOOM_STATUS_OK;
}

/* What the daemon finds in the library. */

static void end(void) { BIO_meth_free(bio_method); }

static const SysloomDriverVt functions = {
    .size = sizeof functions,
    .context = context_new,
    .context_free = context_free,
    .session = session_new,
    .handshake = session_handshake,
    .read = session_read,
    .write = session_write,
    .shutdown = session_shutdown,
    .peer = session_peer,
    .reason = session_reason,
    .free = session_free,
};

static const SysloomIface ifaces[] = {
    {.size = sizeof(SysloomIface), .kind = SYSLOOM_KIND_DRIVER, .name = SYSLOOM_BYTES("acmessl"), .vt = &functions}};

static const SysloomModule module = SYSLOOM_MODULE(ifaces, 1, end);
SYSLOOM_MANIFEST(acmessl, "1.0.0", 1 << SYSLOOM_KIND_DRIVER,
                 SYSLOOM_MANIFEST_FLAG_ENCRYPTS | SYSLOOM_MANIFEST_FLAG_LAYER);

SYSLOOM_ENTRY(acmessl)(const SysloomHost *host) {
  /* What is needed of the host came with its first minor. */
  if (host->size < offsetof(SysloomHost, message_property)) return 0;
  bio_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sysloom");
  if (!bio_method) return 0;
  BIO_meth_set_read(bio_method, bio_read);
  BIO_meth_set_write(bio_method, bio_write);
  BIO_meth_set_ctrl(bio_method, bio_ctrl);
  BIO_meth_set_create(bio_method, bio_create);
  return &module;
}
