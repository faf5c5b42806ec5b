//! What stands behind each slug: `sysloomd --explain SLUG` prints these texts.

/// The explanation of a slug.
pub fn explain(slug: &str) -> Option<&'static str> {
    EXPLANATIONS.iter().find(|(name, _)| *name == slug).map(|(_, text)| *text)
}

/// All slugs, in order of name.
pub fn slugs() -> impl Iterator<Item = &'static str> {
    EXPLANATIONS.iter().map(|(name, _)| *name)
}

const EXPLANATIONS: &[(&str, &str)] = &[
    (
        "small-queue",
        "A queue with room for fewer than a hundred messages is full at the first burst: its senders then wait, or messages \
      are dropped. Leave `queue.size` out, or make it larger.",
    ),
    (
        "action-dropped",
        "An action could not be made, for the reason reported just before; the rest of the configuration is used.",
    ),
    (
        "action-text",
        "The action of a selector line goes to the end of its line: a file name ends at the first blank, `;template` may \
      follow, and then only a comment. A closing brace needs a line of its own. For names with blanks use action(type=\"omfile\" file=\"...\").",
    ),
    (
        "allowed-sender",
        "A list of senders has addresses, networks (`10.0.0.0/8`, `[::1]/128`) and names, which need DNS. An entry that is none of these is \
      left out; the list still guards.",
    ),
    (
        "bad-regex",
        "The regular expression is none: `regex` and `re_...` take POSIX's basic or extended ones. What it stands in never matches.",
    ),
    (
        "backtick",
        "Between backticks only `echo text $VARIABLE` and `cat file` are understood; nothing is executed.",
    ),
    (
        "bare-users",
        "A bare user name or `*` as an action is the oldest way to write to terminals. Write `:omusrmsg:name` instead; a misspelt \
      action is easily taken for a user.",
    ),
    (
        "bsd-block",
        "`!program`, `+host` and `-host` limit the selectors below them in BSD's syslogd. rsyslog 8 refuses them; here they are \
      translated to filters. The portable form is `if $programname == \"...\" then { ... }`.",
    ),
    (
        "compare-operation",
        "A property filter compares with contains, isequal, startswith, endswith, isempty, regex or ereregex, each of which may have `!` before it.",
    ),
    (
        "constant-operand",
        "`and` and `or` join conditions. `$msg contains \"a\" or \"b\"` does not compare with b: the text \"b\" counts as a number, which is 0. \
      Write `$msg contains [\"a\", \"b\"]`, or repeat the comparison.",
    ),
    (
        "no-address",
        "`$LocalHostIPIF` names an interface whose first address stands for this host in its own messages. It must be there when the daemon starts.",
    ),
    (
        "no-listener",
        "The input module was loaded, and nothing tells it what to listen for or to read: it needs an input(type=...), or its `$` directive.",
    ),
    (
        "no-queue",
        "An action that changes messages (mm...) does so at its place in the ruleset, so that what follows sees it. A queue of its own would \
      make it come too late; the action runs without one.",
    ),
    (
        "not-precedence",
        "`not` binds tighter than any comparison, so `not $msg contains \"x\"` compares the number 0 or 1 with \"x\". Write \
      `not ($msg contains \"x\")`.",
    ),
    (
        "constant-argument",
        "This argument must be a text that is known when the configuration is read: a regular expression, the name of a \
      lookup table, bucket or template, or a selector.",
    ),
    (
        "directive-value",
        "The value of this `$` directive is not of its type: binary values are exactly on or off, numbers are digits, file modes \
      are four or five octal digits beginning with 0.",
    ),
    (
        "direct-queue",
        "An action has no queue of its own unless `queue.type` is set; until then its other queue parameters do nothing.",
    ),
    ("discard", "`~` discards a message. It works, but `stop` says it better."),
    (
        "dollar-in-string",
        "In an expression, a double-quoted string must write a dollar sign as `\\$`. In single quotes it can stand as it is.",
    ),
    (
        "duplicate-name",
        "Two actions have one name, so that their messages and counters cannot be told apart.",
    ),
    ("duplicate-object", "This object was defined before; the first definition is used."),
    (
        "duplicate-parameter",
        "A parameter is given twice in one object (names are compared without regard to case); the first value is used.",
    ),
    ("duplicate-template", "A template of this name exists; the first definition is used, as in rsyslog."),
    ("empty-block", "A block without statements does nothing; rsyslog takes it for a syntax error."),
    (
        "extra-characters",
        "Something follows the value of a `$` directive that takes one word. Comments begin with `#`.",
    ),
    (
        "format-disabled",
        "global(compatibility.configFormat...=\"disable\") forbids this kind of statement from there on.",
    ),
    (
        "format-discouraged",
        "global(compatibility.configFormat...=\"warn\") asks for a warning about this kind of statement.",
    ),
    (
        "forward-option",
        "The options of a forwarding action are `zN` (compression level N) and, for TCP, `o` (octet-counted framing).",
    ),
    ("function-arguments", "The function is called with the wrong number of arguments; its value is 0."),
    ("gone-directive", "This directive of old versions has no effect any more."),
    ("inaccessible-file", "The file or directory does not exist or must not be read by this process."),
    (
        "include",
        "A file could not be included: it does not exist, or it is being read already. `mode=\"optional\"` allows it to be missing.",
    ),
    (
        "invalid-escape",
        "In the strings of objects a backslash begins an escape: \\\" \\' \\? \\\\ \\a \\b \\f \\n \\r \\t \\xHH. A backslash itself is written twice.",
    ),
    (
        "legacy-not-permitted",
        "The module has got parameters by module(...); its module-wide `$` directives are refused after that. Move the value into module(...).",
    ),
    (
        "lookup-table",
        "The file of a lookup table is JSON: `version` (1), `nomatch`, `type` (string, array, sparseArray, regex) and `table`, a list of \
      `index` and `value`. A table whose first reading fails yields nothing until a reload succeeds.",
    ),
    ("main-file", "The configuration's first file cannot be read. Nothing can start without it."),
    ("missing-parameter", "The object lacks a parameter without which it cannot be made, and is left out."),
    (
        "module-load",
        "A module's library was not found or could not be loaded. All that depends on it is left out without further errors.",
    ),
    (
        "number",
        "Numbers in expressions are decimal, hexadecimal after 0x or octal after 0. Texts stand in quotes.",
    ),
    ("obsolete-parameter", "The parameter is accepted, but has no effect any more."),
    (
        "parameter-value",
        "The value is not of the parameter's type, or none of those allowed. The object is left out.",
    ),
    (
        "property-filter",
        "A property filter is written `:property, [!]operation, \"value\"` and reads message properties only. For variables write `if $!name ... then`.",
    ),
    (
        "property-replacer",
        "In a template's text, a property is written %name:from:to:options%; this part of it is not understood and is ignored.",
    ),
    ("queue-file-name", "A queue on disk needs `queue.filename`; without it the queue stays in memory."),
    (
        "queue-file-twice",
        "Two queues would write to the same files. Each needs a `queue.filename` or `queue.spoolDirectory` of its own.",
    ),
    (
        "rate-limit",
        "Inputs and actions name a limit with `rateLimit.name` (every action with `action.rateLimit.name`); a ratelimit() object of that \
      name must exist, and holds instead of an interval and burst of their own. Its policy file is a mapping in YAML: interval, burst, \
      severity, scope (input or output), output.mode (drop or pace; pace needs a queue of the action's own, and holds for all sources together) \
      and perSource, which is on or off, or a mapping: max and window of each source, and a list of overrides, each with the key of a source, \
      its max and its window. The file that perSourcePolicy names has the same without the word perSource. Times are numbers with ms, s, m \
      or h. SIGHUP has the files read again, and so does a change where policyWatch is on; one that cannot be used changes nothing.",
    ),
    (
        "read-only-property",
        "Properties of a message cannot be changed by set or unset, only variables that begin with `$!`, `$.` or `$/`.",
    ),
    (
        "refused-by-module",
        "The module itself refuses the values that it was given: each is of the right type, but not possible here. What it was to make is left \
      out. `sysloomd --explain MODULE` lists its parameters.",
    ),
    (
        "ruleset-exists",
        "Rulesets have unique names (case does not matter). The second definition is left out.",
    ),
    (
        "selector",
        "A selector names facilities and priorities, `facility[,facility].priority[;...]`. What stands before the unknown name keeps its effect.",
    ),
    (
        "stream",
        "A listener or action cannot have its streams as they are configured: the netstream driver is not there, or a certificate, key or list \
      cannot be used. Paths, drivers and modes are checked before the start.",
    ),
    (
        "syntax",
        "The text is no statement of rsyslog's language at this place. Reading goes on at the next line that looks like one; rsyslog would ignore \
      the rest of the file.",
    ),
    ("template", "The template's definition is incomplete or contradictory; it is left out."),
    (
        "too-deep",
        "Blocks, parentheses or operators are nested so deeply that running them would exhaust the stack.",
    ),
    ("unclosed-block", "A block `{` has no closing `}` up to the end of the file."),
    ("unclosed-string", "A string has no closing quote."),
    (
        "unknown-bucket",
        "dyn_inc and percentile_observe need a bucket that dyn_stats() or percentile_stats() has defined before.",
    ),
    (
        "unknown-directive",
        "No loaded module knows this `$` directive. A module's directives can be used only after the module was loaded.",
    ),
    ("unknown-function", "There is no function of this name. Names of functions are written in lower case."),
    (
        "unknown-generator",
        "A template of type plugin is written by a module of its plugin's name, which must be loaded.",
    ),
    ("unknown-lookup-table", "The lookup table must be defined by lookup_table() before it is used."),
    (
        "unknown-module",
        "No module of this name and kind is loaded. Load it with module(load=\"...\") before its first use.",
    ),
    ("unknown-object", "There is no object of this name; it is skipped up to its closing parenthesis."),
    (
        "unknown-outchannel",
        "An action `$name` writes to an output channel, which `$outchannel` must have defined before.",
    ),
    ("unknown-parameter", "The object has no parameter of this name; the parameter is ignored."),
    (
        "unknown-parser",
        "A ruleset's parser must exist before the ruleset: a built-in one, or the name of a parser() object.",
    ),
    (
        "unknown-property",
        "There is no property of this name. Variables begin with `$!`, `$.` or `$/`; a percent sign in a template needs a list template.",
    ),
    (
        "unknown-ruleset",
        "The ruleset is defined nowhere. An input that names it delivers to the default ruleset.",
    ),
    ("unknown-template", "The template must be defined before it is used; the action is left out."),
    (
        "yaml",
        "A configuration in YAML is one mapping of modules, inputs, templates, rulesets and so on; their items are mappings of the same \
      parameter names as in RainerScript.",
    ),
    ("unsupported", "This is part of rsyslog's language, but is not available here."),
];
