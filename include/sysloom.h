/*
 * The plugin ABI of sysloom for C: what a module, a driver and the daemon agree on.
 *
 * Made from include/abi by a test of tests/suites/header.rs; not to be edited. include/README.md says how to write a
 * plugin, and what the versions mean. Rules that hold for every type and function:
 * - Bytes are borrowed for the call unless a field says otherwise; who allocates frees.
 * - A struct starts with its `size`; a reader uses only the fields that the writer's size covers.
 * - Every callback returns; no exception and no longjmp leaves it.
 */

#ifndef SYSLOOM_H
#define SYSLOOM_H

#include <stddef.h>
#include <stdint.h>

typedef struct SysloomTypeLayout SysloomTypeLayout;
#define SYSLOOM_ABI_MAJOR 0
#define SYSLOOM_ABI_MINOR 2

/* Types of `Param::ty`; the spelling rules are rsyslog's. */
/* `on` or `off`. */
#define SYSLOOM_PARAM_TYPE_BINARY 1
/* Decimal, `0x` or leading-0 octal. */
#define SYSLOOM_PARAM_TYPE_INT 2
/* As INT, 0 or more. */
#define SYSLOOM_PARAM_TYPE_NON_NEGATIVE 3
/* As INT, 1 or more. */
#define SYSLOOM_PARAM_TYPE_POSITIVE 4
/* Digits with `k m g t p e` (1024) or `K M G T P E` (1000). */
#define SYSLOOM_PARAM_TYPE_SIZE 5
#define SYSLOOM_PARAM_TYPE_STRING 6
/* A string without blanks. */
#define SYSLOOM_PARAM_TYPE_WORD 7
/* A list of strings; a single string counts as a list of one. */
#define SYSLOOM_PARAM_TYPE_ARRAY 8
/* One character. */
#define SYSLOOM_PARAM_TYPE_CHAR 9
/* Octal digits, first one 0. */
#define SYSLOOM_PARAM_TYPE_FILE_MODE 10
/* A user's name; the value is the number. */
#define SYSLOOM_PARAM_TYPE_USER 11
/* A group's name; the value is the number. */
#define SYSLOOM_PARAM_TYPE_GROUP 12
#define SYSLOOM_PARAM_TYPE_SEVERITY 13
#define SYSLOOM_PARAM_TYPE_FACILITY 14
/* The name of a template. */
#define SYSLOOM_PARAM_TYPE_TEMPLATE 15
/* The name of a ruleset. An output with one hands messages on while they are at work: it gets no queue of its own. */
#define SYSLOOM_PARAM_TYPE_RULESET 16
/* A path; used as a string, checked by nobody but the plugin. */
#define SYSLOOM_PARAM_TYPE_PATH 17

/* Bits of `Param::flags`. */
#define SYSLOOM_PARAM_FLAG_REQUIRED 1
/* Never shown in messages. */
#define SYSLOOM_PARAM_FLAG_SECRET 2
#define SYSLOOM_PARAM_FLAG_DEPRECATED 4
/* Takes the text after `:module:` in a selector line. */
#define SYSLOOM_PARAM_FLAG_SELECTOR_TEXT 8

/* Values of `Value::origin`. */
#define SYSLOOM_ORIGIN_UNSET 0
#define SYSLOOM_ORIGIN_DEFAULT 1
#define SYSLOOM_ORIGIN_CONFIGURED 2

/* Results. Counts and handles are 0 or positive; these are what else a function may return. */
#define SYSLOOM_STATUS_OK 0
/* Nothing can be done until what `want` names is ready. */
#define SYSLOOM_STATUS_WOULD_BLOCK (-1)
/* The peer ended the stream in order. */
#define SYSLOOM_STATUS_CLOSED (-2)
/* It failed; a `Complaint` says why where there is one. */
#define SYSLOOM_STATUS_FAILED (-3)
/* The plugin panicked; its instance is to be left alone from now on. */
#define SYSLOOM_STATUS_PANICKED (-4)
/* Try again later: the destination is not to be had right now. */
#define SYSLOOM_STATUS_SUSPENDED (-5)
/* Never try again. */
#define SYSLOOM_STATUS_DISABLED (-6)
/* The peer is not permitted. */
#define SYSLOOM_STATUS_REFUSED (-7)
/* The time allowed is over. */
#define SYSLOOM_STATUS_TIMED_OUT (-8)
/* Some records were taken and some not: see `results`. */
#define SYSLOOM_STATUS_PARTLY (-9)
/* The object is unknown or of the wrong kind. */
#define SYSLOOM_STATUS_INVALID (-10)
/* The message is for another parser. */
#define SYSLOOM_STATUS_DECLINED (-11)

/* Bits of a `want`: what must be ready before the call is worth repeating. */
#define SYSLOOM_WANT_READ 1
#define SYSLOOM_WANT_WRITE 2
#define SYSLOOM_MANIFEST_MAGIC "sysloom\001"
#define SYSLOOM_MANIFEST_SECTION ".sysloom_manifest"
#define SYSLOOM_ENTRY_PREFIX "sysloom_entry__"

/* Bits of `Manifest::flags`. */
/* A panic unwinds and is caught; without it (panic = "abort", or C) a defect ends the daemon. */
#define SYSLOOM_MANIFEST_FLAG_UNWINDS 1
/* A driver whose streams are encrypted: only such a stack satisfies mode 1. */
#define SYSLOOM_MANIFEST_FLAG_ENCRYPTS 2
/* A driver that stands on the network itself (listen, accept, connect). */
#define SYSLOOM_MANIFEST_FLAG_TRANSPORT 4
/* A driver that works over another driver's stream. */
#define SYSLOOM_MANIFEST_FLAG_LAYER 8

/* Kinds of interface. */
#define SYSLOOM_KIND_DRIVER 1
#define SYSLOOM_KIND_INPUT 2
#define SYSLOOM_KIND_OUTPUT 3
#define SYSLOOM_KIND_PARSER 4
#define SYSLOOM_KIND_MODIFY 5
#define SYSLOOM_KIND_STRGEN 6
#define SYSLOOM_KIND_FUNCTION 7
#define SYSLOOM_KIND_PROVIDER 8
#define SYSLOOM_LAYOUT_TAG "abi_stable0.11\0\0"

/* Bits of `Iface::flags`. */
/* Takes the host's stream parameters (driver, mode, auth mode, files ...) and may listen or connect. */
#define SYSLOOM_IFACE_FLAG_STREAMS 1
/* One of the outputs that rsyslog has built in: answers to `builtin:NAME` too. */
#define SYSLOOM_IFACE_FLAG_BUILTIN 2
/* An output whose commit takes no template (it reads properties, or nothing). */
#define SYSLOOM_IFACE_FLAG_NO_TEMPLATE 4
/* An input that works without `input()`: loading it makes one instance with nothing set but defaults (the system */
/* socket of imuxsock, imklog, immark). Without options of its own it takes no `input()` at all. */
#define SYSLOOM_IFACE_FLAG_AUTO 8

/* Flags of `Host::stats_walk`. */
/* Set what was shown to 0, except counters that say otherwise. */
#define SYSLOOM_STATS_FLAG_RESET 1

/* Flags of `Host::counter_of`. */
/* A level rather than a count: it is never reset. */
#define SYSLOOM_COUNTER_FLAG_LEVEL 1
/* Its object stands before all others. */
#define SYSLOOM_COUNTER_FLAG_FIRST 2
/* Its object is the instance's own, even if another's has the same origin and name. */
#define SYSLOOM_COUNTER_FLAG_OWN 4

/* Levels of `Host::log`: syslog's severities, and two below for debugging. */
#define SYSLOOM_LOG_LEVEL_CRITICAL 2
#define SYSLOOM_LOG_LEVEL_ERROR 3
#define SYSLOOM_LOG_LEVEL_WARNING 4
#define SYSLOOM_LOG_LEVEL_NOTICE 5
#define SYSLOOM_LOG_LEVEL_INFO 6
#define SYSLOOM_LOG_LEVEL_DEBUG 7
#define SYSLOOM_LOG_LEVEL_TRACE 8

/* Bits of `Frame::flags`. Bits 13 to 15 are the host's own. */
/* The message was longer than allowed and its end is missing. */
#define SYSLOOM_FRAME_FLAG_TRUNCATED 1
/* From a local socket: PRI, time stamp, tag; no host name. */
#define SYSLOOM_FRAME_FLAG_LOCAL 2
/* The message's own time stamp is to be ignored. */
#define SYSLOOM_FRAME_FLAG_IGNORE_TIMESTAMP 4
/* Do not look for a host name. */
#define SYSLOOM_FRAME_FLAG_NO_HOSTNAME 8
/* A mark message: actions may skip it (`action.writeAllMarkMessages`). */
#define SYSLOOM_FRAME_FLAG_MARK 16
/* The sender's variables stand behind the message: the length of a JSON object in four bytes, little end first, and */
/* the object, whose members become `$!`. What is no object is left out. */
#define SYSLOOM_FRAME_FLAG_VARIABLES 32
/* A process of this host sent it, and the input tells such apart: what stands from `PORT_SHIFT` on is a number of */
/* the process and no port. */
#define SYSLOOM_FRAME_FLAG_PROCESS 64
/* For outputs that submit during a commit: `received_ns` is a handle of `Records::messages`, and a copy of */
/* that message goes on, with its input, its times and all that was set in it; it is not parsed again. Nothing else of */
/* the frame counts. */
#define SYSLOOM_FRAME_FLAG_COPY 128
/* From this bit on stands the sender's port; 0 = it has none, or it is not known. */
#define SYSLOOM_FRAME_FLAG_PORT_SHIFT 16

/* Flags of `Host::submit`. */
/* Nothing more is at hand: hand the batch to the queue now. */
#define SYSLOOM_SUBMIT_FLAG_FLUSH 1
/* The sender can be throttled: wait at the queue's light delay mark. */
#define SYSLOOM_SUBMIT_FLAG_LIGHT_DELAY 2
/* The sender can be held for long: wait at the queue's full delay mark. */
#define SYSLOOM_SUBMIT_FLAG_FULL_DELAY 4
/* Do not wait while the queue is full: take what fits and return how many. */
#define SYSLOOM_SUBMIT_FLAG_NO_WAIT 8

/* Bits of `ListenSpec::flags`. */
/* Log when a session opens. */
#define SYSLOOM_LISTEN_FLAG_NOTIFY_OPEN 1
/* Log when a session closes. */
#define SYSLOOM_LISTEN_FLAG_NOTIFY_CLOSE 2

/* What became of one record; values of `results`. */
#define SYSLOOM_RESULT_OK 0
/* Pass it again later. */
#define SYSLOOM_RESULT_RETRY 1
/* It can never be delivered. */
#define SYSLOOM_RESULT_REJECT 2

/* What the value of `Host::message_set` is. */
/* A text; for properties that are numbers its decimal digits. */
#define SYSLOOM_FORM_TEXT 0
/* JSON text, for variables: the host reads it, and what is no whole JSON value is INVALID. */
#define SYSLOOM_FORM_JSON 1

/* Types of `Argument::ty` and `Answer::ty`. */
/* Not known yet. */
#define SYSLOOM_ARGUMENT_NONE 0
#define SYSLOOM_ARGUMENT_NUMBER 1
#define SYSLOOM_ARGUMENT_TEXT 2
#define SYSLOOM_ARGUMENT_JSON 3

/* Bits of `role`. */
#define SYSLOOM_ROLE_CLIENT 1
#define SYSLOOM_ROLE_SERVER 2

/* Order of the host's stream parameters. Append-only: a driver looks at `n_values`. */
#define SYSLOOM_STREAM_PARAM_MODE 0
#define SYSLOOM_STREAM_PARAM_AUTH_MODE 1
#define SYSLOOM_STREAM_PARAM_CA_FILE 2
#define SYSLOOM_STREAM_PARAM_CA_EXTRA_FILES 3
#define SYSLOOM_STREAM_PARAM_CRL_FILE 4
#define SYSLOOM_STREAM_PARAM_CERT_FILE 5
#define SYSLOOM_STREAM_PARAM_KEY_FILE 6
/* gnutlsPriorityString. */
#define SYSLOOM_STREAM_PARAM_PRIORITY 7
/* A file whose first line is the private key's passphrase. Since 0.2. */
#define SYSLOOM_STREAM_PARAM_KEY_PASS_FILE 8
#define SYSLOOM_STREAM_PARAM_COUNT 9


/**
 * Borrowed bytes. Valid for the call that passes them unless the field says otherwise. `ptr` may be null
 * only when `len` is 0.
 */
typedef struct SysloomBytes {
  const uint8_t *ptr;
  size_t len;
} SysloomBytes;

/**
 * A part of a block of bytes, in bytes from the block's start.
 */
typedef struct SysloomSpan {
  uint32_t off;
  uint32_t len;
} SysloomSpan;

/**
 * What went wrong, in the plugin's words. The caller owns the buffer; the callee fills it.
 */
typedef struct SysloomComplaint {
  /**
   * Index of the parameter at fault in the table of the scope at hand; -1 = no parameter.
   */
  int32_t param;
  /**
   * rsyslog's error code, positive (2077 = cannot bind); 0 = none.
   */
  int32_t code;
  /**
   * Bytes of UTF-8 text that the callee wrote.
   */
  uint32_t len;
  /**
   * Bytes that the buffer holds.
   */
  uint32_t cap;
  uint8_t *text;
} SysloomComplaint;

/**
 * One option of a plugin. The host parses, checks and defaults; the plugin gets values in table order.
 */
typedef struct SysloomParam {
  uint32_t size;
  /**
   * One of `param_type`.
   */
  uint32_t ty;
  /**
   * Bits of `param_flag`.
   */
  uint32_t flags;
  uint32_t reserved;
  /**
   * The name in RainerScript and YAML, as the manual writes it; names compare without case.
   */
  struct SysloomBytes name;
  /**
   * Other names of the same option, joined by `|`.
   */
  struct SysloomBytes aliases;
  /**
   * The default as a configuration would write it; a null pointer = none.
   */
  struct SysloomBytes default_;
  /**
   * For words from a list: the words, joined by `|`; empty = any.
   */
  struct SysloomBytes choices;
  /**
   * Legacy directives without `$`, joined by `|`. Each may carry its scope after a colon:
   * `module` (sets the module's value), `pending` (waits for the next instance), `sticky` (holds for all
   * later instances until changed), `trigger` (makes an instance), `run` (makes an instance and has no value), and
   * `list` (repeats append) or `inverted`. None means `pending`.
   */
  struct SysloomBytes legacy;
  /**
   * One sentence for `--explain` and the plugin's README.
   */
  struct SysloomBytes help;
  /**
   * Smallest and largest number; both 0 = no limit but the type's.
   */
  int64_t min;
  int64_t max;
} SysloomParam;

/**
 * A parameter's value, at the same index as its `Param`. Borrowed for the call.
 */
typedef struct SysloomValue {
  /**
   * 0 = nobody set it and it has no default, 1 = default, 2 = the configuration set it.
   */
  uint32_t origin;
  uint32_t ty;
  /**
   * Numbers, modes, ids; 0 or 1 for BINARY; the byte for CHAR.
   */
  int64_t i;
  struct SysloomBytes s;
  /**
   * For ARRAY.
   */
  const struct SysloomBytes *list;
  size_t n_list;
} SysloomValue;

/**
 * Pointer-free, in ELF section `.sysloom_manifest`, as symbol `sysloom_manifest__NAME`. The host reads it from
 * the file and judges it before dlopen. Texts are UTF-8, padded with NULs.
 */
typedef struct SysloomManifest {
  /**
   * `MANIFEST_MAGIC`.
   */
  uint8_t magic[8];
  uint32_t size;
  uint16_t abi_major;
  uint16_t abi_minor;
  /**
   * The oldest minor of a host that the plugin runs on.
   */
  uint16_t min_host_minor;
  /**
   * Bits `1 << kind` of what the file holds, kinds from `kind`.
   */
  uint16_t kinds;
  /**
   * Bits of `manifest_flag`.
   */
  uint32_t flags;
  /**
   * For example `x86_64-linux-gnu`.
   */
  uint8_t target[32];
  /**
   * The word that loads it: `imtcp`, or a driver's own name such as `rustls`.
   */
  uint8_t name[32];
  uint8_t version[24];
  /**
   * The compiler, for messages.
   */
  uint8_t built_with[64];
} SysloomManifest;

/**
 * One interface of a plugin.
 */
typedef struct SysloomIface {
  uint32_t size;
  /**
   * One of `kind`; says what `vt` points at.
   */
  uint32_t kind;
  /**
   * Bits of `iface_flag`.
   */
  uint32_t flags;
  uint32_t reserved;
  /**
   * The word in `input(type=)`, `action(type=)`, `parser(type=)`, `template(plugin=)`, or the driver's name.
   */
  struct SysloomBytes name;
  /**
   * The table of its kind: a `DriverVt`, `InputVt`, `OutputVt`, `ParserVt`,
   * `ModifyVt`, `StrgenVt` or `FunctionVt`.
   */
  const void *vt;
  /**
   * Parameters of `module()`.
   */
  const struct SysloomParam *module_params;
  size_t n_module_params;
  /**
   * Parameters of `input()`, `action()` or `parser()`.
   */
  const struct SysloomParam *instance_params;
  size_t n_instance_params;
  /**
   * Prefix of the legacy directives for stream parameters: `InputTCPServer` makes
   * `$InputTCPServerStreamDriverMode` and its like. Empty = none.
   */
  struct SysloomBytes stream_legacy;
  /**
   * The template of an action that names none. Empty = the action must name one, or needs none.
   */
  struct SysloomBytes default_template;
} SysloomIface;

/**
 * What an entry hands over; lives as long as the process.
 */
typedef struct SysloomModule {
  uint32_t size;
  uint16_t abi_major;
  uint16_t abi_minor;
  const struct SysloomIface *ifaces;
  size_t n_ifaces;
  /**
   * The plugin's own `layout()`, or null (C plugins): compared only when `Module::layout_tag` and the minor agree.
   */
  const SysloomTypeLayout *layout;
  /**
   * `LAYOUT_TAG`: the version of abi_stable that made the layout.
   */
  uint8_t layout_tag[16];
  /**
   * Called once before the process ends; null = nothing to do.
   */
  void (*shutdown)(void);
} SysloomModule;

/**
 * A key and its value in a log line.
 */
typedef struct SysloomKv {
  struct SysloomBytes key;
  struct SysloomBytes value;
} SysloomKv;

/**
 * An object of the other side. Only the side that made it looks inside.
 */
typedef void *SysloomOpaque;

/**
 * One message inside a submitted block.
 */
typedef struct SysloomFrame {
  /**
   * Bytes from the block's start.
   */
  uint32_t off;
  uint32_t len;
  /**
   * From `Host::peer_intern` or `StreamCb::open`; 0 = this host.
   */
  uint32_t peer;
  /**
   * Bits of `frame_flag`.
   */
  uint32_t flags;
  /**
   * When it came, in nanoseconds since 1970; 0 = now.
   */
  int64_t received_ns;
} SysloomFrame;

/**
 * What `Host::stream_listen` is asked for. Driver, mode and everything else of the stream are the host's own
 * parameters, which belong to the instance `me`.
 */
typedef struct SysloomListenSpec {
  uint32_t size;
  /**
   * Sessions at once; 0 = the host's default.
   */
  uint32_t max_sessions;
  /**
   * Connections that may wait for accept; 0 = the host's default.
   */
  uint32_t backlog;
  /**
   * Reads in a row before another session gets its turn; 0 = no limit.
   */
  uint32_t max_reads;
  /**
   * Threads that serve the sessions; 0 = the host's default.
   */
  uint32_t threads;
  /**
   * 1 = TCP keep-alive; probes, time and interval (seconds) of 0 leave the system's.
   */
  uint32_t keep_alive;
  uint32_t keep_alive_probes;
  uint32_t keep_alive_time;
  uint32_t keep_alive_interval;
  /**
   * Bits of `listen_flag`.
   */
  uint32_t flags;
  struct SysloomBytes address;
  struct SysloomBytes port;
  /**
   * A file that gets the bound port as decimal digits; empty = none.
   */
  struct SysloomBytes port_file;
  /**
   * The listener's name in messages, for example `imtcp`.
   */
  struct SysloomBytes name;
  /**
   * Who may connect: addresses, networks and names with commas between; empty = whom `$AllowedSender` names.
   */
  struct SysloomBytes allowed;
} SysloomListenSpec;

/**
 * What an input does with the streams that the host accepts for it (`Host::stream_listen`). Calls for one session
 * never overlap.
 */
typedef struct SysloomStreamCb {
  uint32_t size;
  uint32_t reserved;
  /**
   * A session is ready (its handshake is over). `peer` goes into `Frame::peer`. The result is the session's
   * object, passed to the other two; it may be null.
   */
  SysloomOpaque (*open)(SysloomOpaque instance,
                        uint64_t conn,
                        uint32_t peer,
                        struct SysloomBytes address,
                        uint32_t port);
  /**
   * Bytes came. Returns 0 to go on, or a negative status to have the session closed.
   */
  int64_t (*data)(SysloomOpaque instance, SysloomOpaque session, struct SysloomBytes bytes);
  /**
   * The session is over and its object is to be freed. `reason` is CLOSED, FAILED, TIMED_OUT ...
   */
  void (*close)(SysloomOpaque instance, SysloomOpaque session, int64_t reason);
} SysloomStreamCb;

/**
 * What `Host::stream_connect` is asked for. The stream's parameters are those of the action `me`.
 */
typedef struct SysloomConnectSpec {
  uint32_t size;
  /**
   * Milliseconds for resolving, connecting and the handshake together; 0 = the host's default.
   */
  uint32_t timeout_ms;
  uint32_t keep_alive;
  uint32_t keep_alive_probes;
  uint32_t keep_alive_time;
  uint32_t keep_alive_interval;
  /**
   * TCP_USER_TIMEOUT in milliseconds; 0 = the system's.
   */
  uint32_t user_timeout_ms;
  uint32_t reserved;
  struct SysloomBytes host;
  struct SysloomBytes port;
  /**
   * Local address; empty = any.
   */
  struct SysloomBytes local;
  /**
   * Network device; empty = any.
   */
  struct SysloomBytes device;
} SysloomConnectSpec;

/**
 * What the peer presented and proved. Everything is borrowed from the session and valid until its next call.
 */
typedef struct SysloomPeer {
  uint32_t size;
  /**
   * 1 = resumed session: no library calls its verifier then, so the host judges again.
   */
  uint32_t resumed;
  /**
   * 1 = we are the server of this session.
   */
  uint32_t server;
  uint32_t reserved;
  /**
   * DER certificates as received, the peer's own first; 0 = none was presented.
   */
  const struct SysloomBytes *chain;
  size_t n_chain;
  /**
   * A stapled OCSP answer.
   */
  struct SysloomBytes staple;
  /**
   * The server name that the client asked for.
   */
  struct SysloomBytes server_name;
  /**
   * For example `TLSv1.3`.
   */
  struct SysloomBytes protocol;
  /**
   * For example `TLS13_AES_256_GCM_SHA384`.
   */
  struct SysloomBytes cipher;
  /**
   * For example `X25519MLKEM768`.
   */
  struct SysloomBytes group;
} SysloomPeer;

/**
 * One counter as `Host::stats_walk` shows it. Borrowed for the call.
 */
typedef struct SysloomStat {
  uint32_t size;
  uint32_t reserved;
  /**
   * Who counts: `core.action`, `imtcp`.
   */
  struct SysloomBytes origin;
  struct SysloomBytes object;
  struct SysloomBytes name;
  uint64_t value;
} SysloomStat;

/**
 * Who hears the counters of `Host::stats_walk`.
 */
typedef struct SysloomStatsVisitor {
  uint32_t size;
  uint32_t reserved;
  SysloomOpaque ctx;
  void (*visit)(SysloomOpaque ctx, const struct SysloomStat *stat);
} SysloomStatsVisitor;

/**
 * The host's functions. Lives as long as the process; `h` is the first argument of each function. `me` is the id
 * that the host gave to the calling instance (0 = the plugin as such).
 */
typedef struct SysloomHost {
  uint32_t size;
  uint32_t abi_minor;
  SysloomOpaque h;
  /**
   * An atomic number of `log_level`: lines above it need not be made.
   */
  const uint32_t *log_level;
  /**
   * Logs one line. `code` is rsyslog's error code or 0.
   */
  void (*log)(SysloomOpaque h,
              uint64_t me,
              uint32_t level,
              int32_t code,
              struct SysloomBytes text,
              const struct SysloomKv *kv,
              size_t n_kv);
  /**
   * A counter of the instance, shown by statistics under its name: an atomic u64 that the host owns and never
   * frees. The same name gives the same counter.
   */
  const uint64_t *(*counter)(SysloomOpaque h, uint64_t me, struct SysloomBytes name);
  /**
   * A number for a sender, for `Frame::peer`. `host` may be empty: the host resolves it then.
   */
  uint32_t (*peer_intern)(SysloomOpaque h, struct SysloomBytes ip, struct SysloomBytes host, uint32_t port);
  /**
   * Copies the messages of `block` into the calling thread's batch. Returns how many were taken, or a negative
   * status. Waits while the queue is full, unless told not to.
   */
  int64_t (*submit)(SysloomOpaque h,
                    uint64_t me,
                    struct SysloomBytes block,
                    const struct SysloomFrame *frames,
                    size_t n_frames,
                    uint32_t flags);
  /**
   * Listens with the stream parameters of the instance `me`; the host accepts, shakes hands, reads, and calls back.
   * Returns the bound port (0 if it has none) or FAILED. Sessions come after all inputs are activated.
   */
  int64_t (*stream_listen)(SysloomOpaque h,
                           uint64_t me,
                           SysloomOpaque instance,
                           const struct SysloomListenSpec *spec,
                           const struct SysloomStreamCb *cb,
                           struct SysloomComplaint *why);
  /**
   * Sends bytes to the peer of an accepted session: how many were sent or kept for sending, or a negative status.
   */
  int64_t (*stream_reply)(SysloomOpaque h, uint64_t conn, struct SysloomBytes bytes);
  /**
   * Connects with the stream parameters of the action `me`, handshake included, and may block: a handle above 0,
   * or TIMED_OUT, REFUSED, FAILED.
   */
  int64_t (*stream_connect)(SysloomOpaque h,
                            uint64_t me,
                            const struct SysloomConnectSpec *spec,
                            struct SysloomComplaint *why);
  /**
   * Writes all bytes, waiting up to `timeout_ms`: OK; CLOSED when the peer has ended the stream, found before
   * anything was written; FAILED or TIMED_OUT with the number of bytes taken in `written`.
   */
  int64_t (*stream_write)(SysloomOpaque h,
                          int64_t stream,
                          struct SysloomBytes bytes,
                          uint32_t timeout_ms,
                          size_t *written,
                          struct SysloomComplaint *why);
  /**
   * 1 = the stream can be written to, 0 = the peer has closed it or it failed.
   */
  int64_t (*stream_alive)(SysloomOpaque h, int64_t stream);
  /**
   * Closes in order (close_notify, half close) and frees the handle.
   */
  void (*stream_close)(SysloomOpaque h, int64_t stream);
  /**
   * For drivers, inside a handshake: may this peer go on? OK, or REFUSED with `why`. The driver then sends a
   * fitting alert; `why.code` is the TLS alert's number.
   */
  int64_t (*verdict)(SysloomOpaque h,
                     uint64_t conn,
                     const struct SysloomPeer *peer,
                     struct SysloomComplaint *why);
  /**
   * A property of a message of the commit at hand, copied to `out` as far as `cap` allows; returns its full
   * length or INVALID. `message` is of `Records::messages`.
   */
  int64_t (*message_property)(SysloomOpaque h,
                              uint64_t message,
                              struct SysloomBytes name,
                              uint8_t *out,
                              size_t cap);
  /**
   * As `counter`, of an object with an origin and a name of its own. `flags` are bits of `counter_flag`.
   */
  const uint64_t *(*counter_of)(SysloomOpaque h,
                                uint64_t me,
                                struct SysloomBytes origin,
                                struct SysloomBytes object,
                                struct SysloomBytes name,
                                uint32_t flags);
  /**
   * Shows every counter of the daemon to `visitor`, those of one object in a row, and after the last one a null
   * pointer. `flags` are bits of `stats_flag`. May block, since inputs can hold it back (`InputVt::stats`).
   */
  int64_t (*stats_walk)(SysloomOpaque h,
                        uint64_t me,
                        uint32_t flags,
                        const struct SysloomStatsVisitor *visitor);
  /**
   * A command to the daemon by name, see the sdk's list: its number, or a negative status and `why`.
   */
  int64_t (*control)(SysloomOpaque h,
                     uint64_t me,
                     struct SysloomBytes command,
                     struct SysloomBytes argument,
                     struct SysloomComplaint *why);
  /**
   * The value in force of a parameter of `global()`, as text: copied as `message_property` does. INVALID if there
   * is none of that name, or nobody set it and it has no default.
   */
  int64_t (*setting)(SysloomOpaque h, struct SysloomBytes name, uint8_t *out, size_t cap);
  /**
   * As `submit`, to the ruleset of this name instead of the instance's own. Outputs may call it, too.
   */
  int64_t (*submit_to)(SysloomOpaque h,
                       uint64_t me,
                       struct SysloomBytes ruleset,
                       struct SysloomBytes block,
                       const struct SysloomFrame *frames,
                       size_t n_frames,
                       uint32_t flags);
  /**
   * A number for a property (`msg`) or a variable (`$!a!b`) by name, for the three functions below: ask once, it
   * holds as long as the process. INVALID if there is no such property.
   */
  int64_t (*property)(SysloomOpaque h, struct SysloomBytes name);
  /**
   * Lends a property of a message that the plugin was called with; valid until the next call with this message.
   * OK, or INVALID when the variable is not there.
   */
  int64_t (*message_get)(SysloomOpaque h, SysloomOpaque message, int64_t property, struct SysloomBytes *out);
  /**
   * Sets a property or variable; `form` is of `form`. The bytes are copied unless they lie in the message:
   * in what `message_get` lends as `rawmsg` or as a property that stands there. `parsesuccess` takes `OK` and `FAIL`;
   * `rawmsg`, and what is not the message's own, cannot be set. `timereported` takes a time stamp of RFC 3339 or 3164, the latter with
   * the name of a zone behind it if a `timezone()` has it, and what follows is left alone; empty = that of
   * reception. How many bytes of the value were used, or INVALID; parsers and message modification only.
   */
  int64_t (*message_set)(SysloomOpaque h,
                         SysloomOpaque message,
                         int64_t property,
                         uint32_t form,
                         struct SysloomBytes value);
  /**
   * Takes a variable away: OK or INVALID.
   */
  int64_t (*message_unset)(SysloomOpaque h, SysloomOpaque message, int64_t property);
} SysloomHost;

/**
 * An input's functions.
 */
typedef struct SysloomInputVt {
  uint32_t size;
  uint32_t reserved;
  /**
   * Once per plugin, with the values of `module()`. Null function = no module object.
   */
  SysloomOpaque (*module_new)(const struct SysloomHost *host,
                              uint64_t me,
                              const struct SysloomValue *values,
                              size_t n_values,
                              struct SysloomComplaint *why);
  void (*module_free)(SysloomOpaque module);
  /**
   * Makes an instance from the values of `input()`: checks them, opens nothing. `me` names it in host calls.
   */
  SysloomOpaque (*instance_new)(SysloomOpaque module,
                                const struct SysloomHost *host,
                                uint64_t me,
                                const struct SysloomValue *values,
                                size_t n_values,
                                struct SysloomComplaint *why);
  /**
   * Binds, opens, listens: before privileges are dropped. OK or FAILED.
   */
  int64_t (*activate)(SysloomOpaque instance, struct SysloomComplaint *why);
  /**
   * Called on a thread of the host's; returns when `stop_fd` becomes readable. Null = no thread wanted.
   */
  int64_t (*run)(SysloomOpaque instance, int32_t stop_fd);
  /**
   * The daemon got a HUP. Called on the host's main thread.
   */
  void (*hup)(SysloomOpaque instance);
  /**
   * After all threads and streams of the instance have ended.
   */
  void (*instance_free)(SysloomOpaque instance);
  /**
   * Somebody reads the statistics: called with 0 before, to bring counters up to date (it may block the reader),
   * and with 1 when all of them were shown. On the reader's thread. Null = not interested.
   */
  void (*stats)(SysloomOpaque instance, uint32_t read);
} SysloomInputVt;

/**
 * The records of one commit. Row `i`, column `c` is `block[cells[i * n_cols + c]]`; with one column the cells stand
 * back to back in order, so `block` is all records joined. Borrowed for the call.
 */
typedef struct SysloomRecords {
  uint32_t size;
  uint32_t n_cols;
  size_t n_rows;
  struct SysloomBytes block;
  const struct SysloomSpan *cells;
  /**
   * One handle a row, for `Host::message_property`.
   */
  const uint64_t *messages;
} SysloomRecords;

/**
 * An output's functions.
 */
typedef struct SysloomOutputVt {
  uint32_t size;
  uint32_t reserved;
  /**
   * Once per plugin, with the values of `module()`. Null function = no module object.
   */
  SysloomOpaque (*module_new)(const struct SysloomHost *host,
                              uint64_t me,
                              const struct SysloomValue *values,
                              size_t n_values,
                              struct SysloomComplaint *why);
  void (*module_free)(SysloomOpaque module);
  /**
   * Makes an instance from the values of `action()`: checks them, opens nothing.
   */
  SysloomOpaque (*instance_new)(SysloomOpaque module,
                                const struct SysloomHost *host,
                                uint64_t me,
                                const struct SysloomValue *values,
                                size_t n_values,
                                struct SysloomComplaint *why);
  /**
   * Before privileges are dropped and before the first worker. Null = nothing to prepare.
   */
  int64_t (*activate)(SysloomOpaque instance, struct SysloomComplaint *why);
  /**
   * One worker object for each thread that commits to the instance.
   */
  SysloomOpaque (*worker_new)(SysloomOpaque instance, struct SysloomComplaint *why);
  void (*worker_free)(SysloomOpaque worker);
  /**
   * Delivers: OK (all of them), SUSPENDED (none of them), DISABLED, or PARTLY with one of `result` for each row
   * in `results`. `why` tells what is in the way, for one line in the log.
   */
  int64_t (*commit)(SysloomOpaque worker,
                    const struct SysloomRecords *records,
                    int32_t *results,
                    struct SysloomComplaint *why);
  /**
   * Asks whether a suspended destination is back: OK or SUSPENDED.
   */
  int64_t (*resume)(SysloomOpaque worker, struct SysloomComplaint *why);
  /**
   * The daemon got a HUP: close files, to be opened again on the next write. Called on the host's main thread
   * while workers may be in `commit`.
   */
  void (*hup)(SysloomOpaque instance);
  /**
   * After its workers are gone.
   */
  void (*instance_free)(SysloomOpaque instance);
} SysloomOutputVt;

/**
 * Where a callee puts text of any length: each call appends, and the bytes are copied.
 */
typedef struct SysloomSink {
  uint32_t size;
  uint32_t reserved;
  SysloomOpaque ctx;
  void (*write)(SysloomOpaque ctx, struct SysloomBytes bytes);
} SysloomSink;

/**
 * A parser's functions. Before the first parser the host has sanitised the text (`rawmsg`) and read its PRI; without
 * further words of the parser all of the text after the PRI is no message yet, the tag is empty, the sender is the
 * host, and the time is that of reception.
 */
typedef struct SysloomParserVt {
  uint32_t size;
  uint32_t reserved;
  /**
   * The name by which a ruleset knows it without a `parser()` object (`rsyslog.lastline`); empty = none.
   */
  struct SysloomBytes parser_name;
  /**
   * Once per plugin, with the values of `module()`. Null function = no module object.
   */
  SysloomOpaque (*module_new)(const struct SysloomHost *host,
                              uint64_t me,
                              const struct SysloomValue *values,
                              size_t n_values,
                              struct SysloomComplaint *why);
  void (*module_free)(SysloomOpaque module);
  /**
   * Makes an instance from the values of `parser()`.
   */
  SysloomOpaque (*instance_new)(SysloomOpaque module,
                                const struct SysloomHost *host,
                                uint64_t me,
                                const struct SysloomValue *values,
                                size_t n_values,
                                struct SysloomComplaint *why);
  /**
   * Parses one message: OK, or DECLINED, and what was set is forgotten and the next parser asked. Called by
   * several workers at once.
   */
  int64_t (*parse)(SysloomOpaque instance, SysloomOpaque message);
  /**
   * The daemon got a HUP. Null = not interested.
   */
  void (*hup)(SysloomOpaque instance);
  void (*instance_free)(SysloomOpaque instance);
} SysloomParserVt;

/**
 * The functions of a message modification: an action that runs at its place in the ruleset, on the worker's thread,
 * so that what follows sees the changed message.
 */
typedef struct SysloomModifyVt {
  uint32_t size;
  uint32_t reserved;
  /**
   * As `ParserVt::module_new`.
   */
  SysloomOpaque (*module_new)(const struct SysloomHost *host,
                              uint64_t me,
                              const struct SysloomValue *values,
                              size_t n_values,
                              struct SysloomComplaint *why);
  void (*module_free)(SysloomOpaque module);
  /**
   * Makes an instance from the values of `action()`.
   */
  SysloomOpaque (*instance_new)(SysloomOpaque module,
                                const struct SysloomHost *host,
                                uint64_t me,
                                const struct SysloomValue *values,
                                size_t n_values,
                                struct SysloomComplaint *why);
  /**
   * One worker object for each thread that runs the action.
   */
  SysloomOpaque (*worker_new)(SysloomOpaque instance, struct SysloomComplaint *why);
  void (*worker_free)(SysloomOpaque worker);
  /**
   * Modifies one message: OK; FAILED with `why`, and the message goes on as it is; DISABLED.
   */
  int64_t (*modify)(SysloomOpaque worker, SysloomOpaque message, struct SysloomComplaint *why);
  /**
   * The daemon got a HUP, while workers may be in `modify`. Null = not interested.
   */
  void (*hup)(SysloomOpaque instance);
  /**
   * After its workers are gone.
   */
  void (*instance_free)(SysloomOpaque instance);
} SysloomModifyVt;

/**
 * The functions of a string generator, which stands for a template: `template(type="plugin" plugin="NAME")`.
 */
typedef struct SysloomStrgenVt {
  uint32_t size;
  uint32_t reserved;
  /**
   * Makes the generator from the values of `module()`.
   */
  SysloomOpaque (*module_new)(const struct SysloomHost *host,
                              uint64_t me,
                              const struct SysloomValue *values,
                              size_t n_values,
                              struct SysloomComplaint *why);
  /**
   * Writes the text for one message: OK, or FAILED and nothing is used of it. Called by several workers at once.
   */
  int64_t (*generate)(SysloomOpaque module, SysloomOpaque message, const struct SysloomSink *out);
  void (*module_free)(SysloomOpaque module);
} SysloomStrgenVt;

/**
 * A value that a function is called with. Borrowed for the call.
 */
typedef struct SysloomArgument {
  /**
   * One of `argument`.
   */
  uint32_t ty;
  uint32_t reserved;
  int64_t number;
  /**
   * The text, or the JSON text.
   */
  struct SysloomBytes text;
} SysloomArgument;

/**
 * Where a function puts its value. The host sets it to the number 0 before.
 */
typedef struct SysloomAnswer {
  uint32_t size;
  /**
   * One of `argument`; with TEXT and JSON the value is what was written to `out`.
   */
  uint32_t ty;
  int64_t number;
  struct SysloomSink out;
  /**
   * What `script_error()` says afterwards; 0 = no error.
   */
  int64_t script_error;
} SysloomAnswer;

/**
 * One function. Rows of a table have one size.
 */
typedef struct SysloomFunction {
  uint32_t size;
  uint32_t reserved;
  /**
   * Case counts.
   */
  struct SysloomBytes name;
  /**
   * Least and greatest number of arguments; the host sees to it.
   */
  uint32_t min_args;
  uint32_t max_args;
  /**
   * Makes the object of one place where the function is called. `args` hold what is constant there; others are
   * NONE. Null = refused, see `why`; `why.param` is the argument's index.
   */
  SysloomOpaque (*call_new)(SysloomOpaque module,
                            const struct SysloomHost *host,
                            uint64_t me,
                            const struct SysloomArgument *args,
                            size_t n_args,
                            struct SysloomComplaint *why);
  /**
   * Evaluates one call and fills in `answer`: OK; anything else counts as 0. Called by several workers at once.
   */
  int64_t (*call)(SysloomOpaque call,
                  const struct SysloomArgument *args,
                  size_t n_args,
                  struct SysloomAnswer *answer);
  void (*call_free)(SysloomOpaque call);
} SysloomFunction;

/**
 * A function plugin's tables.
 */
typedef struct SysloomFunctionVt {
  uint32_t size;
  uint32_t reserved;
  /**
   * Once per plugin, with the values of `module()`. Null function = no module object.
   */
  SysloomOpaque (*module_new)(const struct SysloomHost *host,
                              uint64_t me,
                              const struct SysloomValue *values,
                              size_t n_values,
                              struct SysloomComplaint *why);
  void (*module_free)(SysloomOpaque module);
  const struct SysloomFunction *functions;
  size_t n_functions;
} SysloomFunctionVt;

/**
 * The stream below a layer: a transport's session, or another layer's. Valid as long as the layer's session.
 */
typedef struct SysloomLower {
  SysloomOpaque stream;
  /**
   * As `DriverVt::read`.
   */
  int64_t (*read)(SysloomOpaque stream, uint8_t *buf, size_t len, uint32_t *want);
  /**
   * As `DriverVt::write`.
   */
  int64_t (*write)(SysloomOpaque stream, const uint8_t *buf, size_t len, uint32_t *want);
  /**
   * The descriptor below, for socket options only; -1 = none.
   */
  int32_t fd;
} SysloomLower;

/**
 * Where a transport shall listen. Texts are the configuration's; the transport knows what they mean.
 */
typedef struct SysloomListenAt {
  uint32_t size;
  /**
   * 0 = any family, 4, 6.
   */
  uint32_t family;
  /**
   * Connections that may wait for accept.
   */
  uint32_t backlog;
  uint32_t reserved;
  /**
   * Empty = all addresses.
   */
  struct SysloomBytes address;
  /**
   * Number or service; `0` = any free one, the same for all families.
   */
  struct SysloomBytes port;
} SysloomListenAt;

/**
 * A listening object of a transport.
 */
typedef struct SysloomListening {
  uint32_t size;
  /**
   * The port that was bound.
   */
  uint32_t port;
  SysloomOpaque listener;
  /**
   * Descriptors to poll for readability; the listener owns them.
   */
  int32_t fds[16];
  uint32_t n_fds;
  uint32_t reserved;
} SysloomListening;

/**
 * Where a transport shall connect to.
 */
typedef struct SysloomConnectTo {
  uint32_t size;
  /**
   * 0 = any family, 4, 6.
   */
  uint32_t family;
  /**
   * Milliseconds for resolving and connecting together.
   */
  uint32_t timeout_ms;
  uint32_t reserved;
  struct SysloomBytes host;
  struct SysloomBytes port;
  /**
   * Local address; empty = any.
   */
  struct SysloomBytes local;
  /**
   * Network device; empty = any.
   */
  struct SysloomBytes device;
} SysloomConnectTo;

/**
 * A stream that a transport accepted or connected.
 */
typedef struct SysloomConnected {
  uint32_t size;
  /**
   * The descriptor to poll; the session owns it.
   */
  int32_t fd;
  SysloomOpaque session;
  /**
   * The peer's address as text without port, `peer_len` bytes.
   */
  uint8_t peer[108];
  uint32_t peer_len;
  /**
   * The peer's port; 0 = it has none.
   */
  uint32_t peer_port;
} SysloomConnected;

/**
 * A driver's functions. `listen`, `accept`, `unlisten` and `connect` are a transport's; `session` and `handshake` a
 * layer's; the others are both's.
 */
typedef struct SysloomDriverVt {
  uint32_t size;
  uint32_t reserved;
  /**
   * Makes what all sessions of one listener or one action share: keys, certificates, ciphers. `values` are the
   * host's stream parameters in the order of `stream_param`; `role` is of `role`. Null = failed, see `why`.
   * Called while the daemon still has its privileges. `me` is the owner for log and counters.
   */
  SysloomOpaque (*context)(const struct SysloomHost *host,
                           uint64_t me,
                           uint32_t role,
                           const struct SysloomValue *values,
                           size_t n_values,
                           struct SysloomComplaint *why);
  /**
   * Called after the last session of the context is gone.
   */
  void (*context_free)(SysloomOpaque context);
  int64_t (*listen)(SysloomOpaque context,
                    const struct SysloomListenAt *at,
                    struct SysloomListening *out,
                    struct SysloomComplaint *why);
  /**
   * Accepts one connection of the descriptor `fd` of the listener: OK, WOULD_BLOCK or FAILED.
   */
  int64_t (*accept)(SysloomOpaque listener,
                    int32_t fd,
                    struct SysloomConnected *out,
                    struct SysloomComplaint *why);
  /**
   * Ends listening and frees the listener.
   */
  void (*unlisten)(SysloomOpaque listener);
  /**
   * Connects, and may block for `to.timeout_ms`: OK, TIMED_OUT or FAILED. Called on an action's worker thread.
   */
  int64_t (*connect)(SysloomOpaque context,
                     const struct SysloomConnectTo *to,
                     struct SysloomConnected *out,
                     struct SysloomComplaint *why);
  /**
   * Puts a session over `lower`. `conn` is the host's name for it, for `Host::verdict`. `server_name` is what a
   * client asks for (empty: ask for none). Null = failed.
   */
  SysloomOpaque (*session)(SysloomOpaque context,
                           uint32_t server,
                           const struct SysloomLower *lower,
                           struct SysloomBytes server_name,
                           uint64_t conn,
                           struct SysloomComplaint *why);
  /**
   * One step of the handshake: OK = finished, WOULD_BLOCK, CLOSED, REFUSED or FAILED (alert already sent).
   */
  int64_t (*handshake)(SysloomOpaque session, uint32_t *want, struct SysloomComplaint *why);
  /**
   * Reads up to `len` bytes: their number (above 0), WOULD_BLOCK, CLOSED or FAILED.
   */
  int64_t (*read)(SysloomOpaque session, uint8_t *buf, size_t len, uint32_t *want);
  /**
   * Writes up to `len` bytes: how many were taken, WOULD_BLOCK, CLOSED or FAILED. `len` 0 = flush what is held
   * back: OK when nothing is.
   */
  int64_t (*write)(SysloomOpaque session, const uint8_t *buf, size_t len, uint32_t *want);
  /**
   * Says that we send no more (close_notify, then the lower stream's half close): OK, WOULD_BLOCK or FAILED.
   */
  int64_t (*shutdown)(SysloomOpaque session, uint32_t *want);
  /**
   * Fills in what the peer presented; a transport leaves everything empty.
   */
  int64_t (*peer)(SysloomOpaque session, struct SysloomPeer *out);
  /**
   * Why the last call on this session failed, in words.
   */
  int64_t (*reason)(SysloomOpaque session, struct SysloomComplaint *why);
  /**
   * Frees the session and closes what it owns. A layer does not free its lower stream; the host does.
   */
  void (*free)(SysloomOpaque session);
} SysloomDriverVt;

/**
 * Symbol `sysloom_entry__NAME`. Called once, on the thread that reads the configuration. `host` lives as long as
 * the process. Null = the plugin refuses to run (it says why through `Host::log`).
 */
typedef const struct SysloomModule *(*SysloomEntry)(const struct SysloomHost *host);

#endif  /* SYSLOOM_H */

#ifndef SYSLOOM_MACROS_H
#define SYSLOOM_MACROS_H

/* The target that is compiled for; the daemon refuses a plugin of another one. */
#if defined(__x86_64__)
#define SYSLOOM_ARCH_ "x86_64"
#elif defined(__aarch64__)
#define SYSLOOM_ARCH_ "aarch64"
#elif defined(__riscv)
#define SYSLOOM_ARCH_ "riscv64"
#elif defined(__s390x__)
#define SYSLOOM_ARCH_ "s390x"
#else
#define SYSLOOM_ARCH_ "other"
#endif
#if defined(__GLIBC__)
#define SYSLOOM_TARGET SYSLOOM_ARCH_ "-linux-gnu"
#else
#define SYSLOOM_TARGET SYSLOOM_ARCH_ "-linux-musl"
#endif

#if defined(__cplusplus)
#define SYSLOOM_EXPORT_ extern "C" __attribute__((visibility("default"), used))
#else
#define SYSLOOM_EXPORT_ __attribute__((visibility("default"), used))
#endif

/* A text constant as borrowed bytes. */
#define SYSLOOM_BYTES(literal) {(const uint8_t *)(literal), sizeof(literal) - 1}
/* No text at all, which differs from an empty one where a default is meant. */
#define SYSLOOM_NONE {0, 0}

/* The manifest: SYSLOOM_MANIFEST(imfoo, "1.0.0", 1 << SYSLOOM_KIND_INPUT, 0); once in a plugin. */
#define SYSLOOM_MANIFEST(plugin, version_text, kinds_bits, flags_bits)                        \
  SYSLOOM_EXPORT_ __attribute__((section(".sysloom_manifest")))                               \
  const SysloomManifest sysloom_manifest__##plugin = {                                        \
    {'s', 'y', 's', 'l', 'o', 'o', 'm', 1},                                                   \
    (uint32_t)sizeof(SysloomManifest), SYSLOOM_ABI_MAJOR, SYSLOOM_ABI_MINOR, 1,               \
    (uint16_t)(kinds_bits), (flags_bits), SYSLOOM_TARGET, #plugin, version_text, __VERSION__}

/* The entry: SYSLOOM_ENTRY(imfoo)(const SysloomHost *host) { ...; return &module; } */
#define SYSLOOM_ENTRY(plugin) SYSLOOM_EXPORT_ const SysloomModule *sysloom_entry__##plugin

/* What the entry returns: static const SysloomModule module = SYSLOOM_MODULE(ifaces, 1, 0); */
#define SYSLOOM_MODULE(interfaces, count, shutdown_function)                                  \
  {(uint32_t)sizeof(SysloomModule), SYSLOOM_ABI_MAJOR, SYSLOOM_ABI_MINOR, (interfaces),       \
   (count), 0, {0}, (shutdown_function)}

#endif  /* SYSLOOM_MACROS_H */
