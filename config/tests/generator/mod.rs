//! Configurations made at random from the whole grammar of statements and expressions, the same for the same seed.

/// A configuration without errors.
pub fn configuration(seed: u64) -> String {
    let mut pen = Pen { state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1, out: String::new() };
    pen.out.push_str(HEAD);
    for name in ["one", "two"].iter().take(pen.below(3)) {
        pen.out.push_str(&format!("ruleset(name=\"{name}\") {{\n"));
        pen.block(1 + pen.peek(2));
        pen.out.push_str("}\n");
    }
    pen.block(3);
    pen.out.push_str("*.* /var/log/all\n");
    pen.out
}

const HEAD: &str = "template(name=\"tpl\" type=\"string\" string=\"%msg%\\n\")\n\
    lookup_table(name=\"t\" file=\"/t\")\ndyn_stats(name=\"b\")\n\
    ruleset(name=\"sink\") { action(type=\"omfile\" file=\"/sink\") }\n";

struct Pen {
    state: u64,
    out: String,
}

impl Pen {
    /// xorshift64*.
    fn next(&mut self) -> u64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() >> 33) as usize % n
    }

    fn peek(&self, n: usize) -> usize {
        self.state as usize % n
    }

    fn one_of(&mut self, texts: &[&str]) -> String {
        let at = self.below(texts.len());
        texts[at].to_owned()
    }

    fn block(&mut self, depth: usize) {
        for _ in 0..=self.below(3) {
            self.statement(depth);
        }
    }

    fn braces(&mut self, depth: usize) {
        self.out.push_str("{\n");
        self.block(depth - 1);
        self.out.push_str("}\n");
    }

    fn statement(&mut self, depth: usize) {
        let kinds = if depth == 0 { 8 } else { 12 };
        match self.below(kinds) {
            0 | 1 => {
                let file = self.one_of(&["/a", "/b c", "/d'e", "/f\\\"g"]);
                let more = self.one_of(&[
                    "",
                    " template=\"tpl\"",
                    " queue.type=\"LinkedList\"",
                    " fileCreateMode=\"0600\"",
                ]);
                self.out.push_str(&format!("action(type=\"omfile\" file=\"{file}\"{more})\n"));
            }
            2 => {
                let (how, var) = (self.one_of(&["set", "set", "reset"]), self.variable());
                let value = self.expression(2);
                self.out.push_str(&format!("{how} {var} = {value};\n"));
            }
            3 => {
                let var = self.variable();
                self.out.push_str(&format!("unset {var};\n"));
            }
            4 => self.out.push_str("call sink\n"),
            5 => {
                let value = self.expression(1);
                self.out.push_str(&format!("call_indirect {value};\n"));
            }
            6 => {
                let text =
                    self.one_of(&["reload_lookup_table(\"t\")\n", "reload_lookup_table(\"t\", \"a b\")\n"]);
                self.out.push_str(&text);
            }
            7 => {
                let text = self.one_of(&["continue\n", "stop\n"]);
                self.out.push_str(&text);
            }
            8 | 9 => {
                let condition = self.expression(3);
                self.out.push_str(&format!("if {condition} then "));
                self.braces(depth);
                if self.below(2) == 0 {
                    self.out.push_str("else ");
                    self.braces(depth);
                }
            }
            10 => {
                let list = self.one_of(&["$!list", "$.a!b", "['x', 'y']"]);
                self.out.push_str(&format!("foreach ($.i in {list}) do "));
                self.braces(depth);
            }
            _ => {
                let filter = self.one_of(&[
                    "*.*",
                    "mail.info;kern.!=err",
                    "*.=debug;news.none",
                    ":msg, contains, \"a \\\"b\\\"\"",
                    ":hostname, !isequal, \"x\"",
                    ":msg, regex, \"^a.*$\"",
                    ":msg, !ereregex, \"x|y\"",
                    ":msg, startswith, \"z\"",
                ]);
                self.out.push_str(&format!("{filter} "));
                self.braces(depth);
            }
        }
    }

    fn variable(&mut self) -> String {
        self.one_of(&["$!a", "$!a!b", "$.c", "$.c!d", "$/e"])
    }

    fn expression(&mut self, depth: usize) -> String {
        let kinds = if depth == 0 { 4 } else { 8 };
        match self.below(kinds) {
            0 => self.one_of(&["0", "7", "-3", "4711"]),
            1 => self.one_of(&["'a'", "\"it's\"", "'say \"x\"'", "\"\\$5 \\\\ \\t\"", "''", "\"a: b # c\""]),
            2 => self.one_of(&["$msg", "$hostname", "$syslogseverity", "$$now", "$!all-json"]),
            3 => self.variable(),
            4 | 5 => {
                const OPERATORS: &[&str] = &[
                    "and",
                    "or",
                    "==",
                    "!=",
                    "<",
                    "<=",
                    ">",
                    ">=",
                    "contains",
                    "contains_i",
                    "startswith",
                    "startswith_i",
                    "+",
                    "-",
                    "&",
                    "*",
                    "/",
                    "%",
                ];
                let (left, operator, right) =
                    (self.expression(depth - 1), self.one_of(OPERATORS), self.expression(depth - 1));
                format!("({left}) {operator} ({right})")
            }
            6 => {
                let inner = self.expression(depth - 1);
                self.one_of(&["not (", "- ("]) + &inner + ")"
            }
            _ => {
                let inner = self.expression(depth - 1);
                let call = self.one_of(&[
                    "strlen(@)",
                    "tolower(@)",
                    "replace(@, 'a', 'b')",
                    "lookup('t', @)",
                    "dyn_inc('b', @)",
                    "exec_template('tpl')",
                    "prifilt('*.err;mail.none')",
                    "field(@, 44, 2)",
                    "re_match(@, '^x')",
                ]);
                call.replace('@', &inner)
            }
        }
    }
}
