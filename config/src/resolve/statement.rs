//! Statements: filters, blocks, variables, calls.

use super::Loader;
use crate::ast::{Condition, Node, NodeKind, Word};
use crate::diagnostic::Diagnostic;
use crate::plan::{
    BinaryOp, Block, Expr, ExprKind, Filter, JsonPath, Property, PropertyRef, Statement, UnaryOp,
};
use crate::source::Span;

/// The BSD blocks in force: programs and hosts.
#[derive(Clone, Debug, Default)]
pub(super) struct BsdBlocks {
    programs: Option<(bool, Vec<String>, Span)>,
    hosts: Option<(bool, Vec<String>, Span)>,
}

impl Loader<'_> {
    /// Resolves statements in order.
    pub(super) fn block(&mut self, nodes: &[Node]) -> Block {
        self.depth += 1;
        let mut block = Block::new();
        for node in nodes {
            self.node(node, &mut block);
        }
        self.depth -= 1;
        block
    }

    /// Resolves one statement into the end of a block.
    pub(super) fn node(&mut self, node: &Node, block: &mut Block) {
        let span = node.span;
        match &node.kind {
            NodeKind::Directive { name, value } => {
                if self.allowed("legacy", "legacy $-directive", span) {
                    self.directive(name, value, span, block);
                }
            }
            NodeKind::Object(object) => self.object(object, block),
            NodeKind::Ruleset { object, body } => self.ruleset(object, body),
            NodeKind::Action(object) => block.extend(self.action(object)),
            NodeKind::LegacyAction(action) => block.extend(self.legacy_action(action)),
            NodeKind::Condition { .. } => self.condition(node, block),
            NodeKind::Block(word) => self.bsd_block(word),
            NodeKind::Stop => block.push(Statement::Stop),
            NodeKind::Continue => block.push(Statement::Continue),
            NodeKind::Set { var, value, reset } => {
                let expr = self.expr(value);
                let Some(var) = self.settable(var, if *reset { "reset" } else { "set" }) else { return };
                block.push(match reset {
                    false => Statement::Set { var, expr, span },
                    true => Statement::Reset { var, expr, span },
                });
            }
            NodeKind::Unset(var) => {
                if let Some(var) = self.settable(var, "unset") {
                    block.push(Statement::Unset { var, span });
                }
            }
            NodeKind::Call(name) => {
                let ruleset = self.call_ruleset(name);
                block.push(Statement::Call { ruleset, span });
            }
            NodeKind::CallIndirect(expr) => {
                let expr = self.expr(expr);
                block.push(Statement::CallIndirect { expr, span });
            }
            NodeKind::Foreach { var, list, body } => {
                let list = self.expr(list);
                let body = self.block(body);
                if let Some(var) = self.settable(var, "foreach") {
                    block.push(Statement::Foreach { var, list, body, span });
                }
            }
            NodeKind::ReloadLookupTable(args) => {
                let args: Vec<Expr> = args.iter().map(|arg| self.expr(arg)).collect();
                block.extend(self.reload_lookup_table(&args, span));
            }
        }
    }

    /// An `if` with all its `else if`, or a selector or property filter. Long ladders are walked without recursion.
    fn condition(&mut self, node: &Node, block: &mut Block) {
        let mut arms = Vec::new();
        let mut at = node;
        let mut last = Block::new();
        while let NodeKind::Condition { condition, then, otherwise } = &at.kind {
            arms.push((self.filter(condition), self.block(then), at.span));
            match otherwise.as_slice() {
                [next] if matches!(next.kind, NodeKind::Condition { .. }) => at = next,
                rest => {
                    last = self.block(rest);
                    break;
                }
            }
        }
        while let Some((filter, then, span)) = arms.pop() {
            // A filter that is not understood takes its statements along.
            let Some(filter) = filter else { continue };
            let sysklogd = !matches!(filter, Filter::Expr(_));
            let mut statement = Statement::If { filter, then, otherwise: std::mem::take(&mut last), span };
            if sysklogd && self.depth == 0 && arms.is_empty() {
                statement = self.within_bsd_blocks(statement, span);
            }
            last.push(statement);
        }
        block.extend(last);
    }

    fn filter(&mut self, condition: &Condition) -> Option<Filter> {
        match condition {
            Condition::Selector(word) => {
                if !self.allowed("syslogd", "sysklogd-style selector", word.span) {
                    return None;
                }
                Some(Filter::Priority(self.selector(&word.text, word.span)))
            }
            Condition::Property { name, negate, op, value } => {
                if !self.allowed("property", "property-based filter", name.span) {
                    return None;
                }
                let property = self.property(&name.text, true, name.span)?;
                Some(Filter::Property { property, negate: *negate, op: *op, value: value.clone() })
            }
            Condition::Expr(expr) => Some(Filter::Expr(self.expr(expr))),
        }
    }

    /// Decodes a selector and reports an unknown name in it.
    pub(super) fn selector(&mut self, text: &str, at: Span) -> crate::plan::PriorityMask {
        let (mask, unknown) = crate::parse::decode_selector(text);
        if let Some(unknown) = unknown {
            let message = format!("unknown {} name \"{}\"", unknown.what, unknown.name);
            let mut d = Diagnostic::error(0, "selector", message, self.within(at, &unknown.name));
            let names: &[(&str, u8)] =
                if unknown.what == "facility" { crate::parse::FACILITIES } else { crate::parse::SEVERITIES };
            if let Some(near) = crate::suggest::nearest(&unknown.name, names.iter().map(|(name, _)| *name)) {
                d = d.help(format!("did you mean `{near}`?"));
            }
            self.diagnostics.push(d);
        }
        mask
    }

    /// Whether `global(compatibility.configFormat.*)` lets this kind of statement through.
    fn allowed(&mut self, format: &str, what: &str, at: Span) -> bool {
        let name = format!("compatibility.configFormat.{format}");
        let policy = self.plan.globals.str(&name).unwrap_or("enable").to_ascii_lowercase();
        match policy.as_str() {
            "disable" => {
                let message = format!("{what} is disabled by global({name}=\"disable\") - ignored");
                self.error(2207, "format-disabled", message, at);
                false
            }
            "warn" => {
                let message = format!("{what} is used, and global({name}=\"warn\") is set");
                self.warning(2357, "format-discouraged", message, at);
                true
            }
            _ => true,
        }
    }

    /// The path of a variable that may be changed.
    fn settable(&mut self, var: &Word, statement: &str) -> Option<JsonPath> {
        let path = JsonPath::parse(&var.text, true);
        if path.is_none() {
            let name = var.text.trim_start_matches('$');
            let message = format!("invalid variable '{name}' in {statement} statement.");
            self.error(2207, "read-only-property", message, var.span)
                .help
                .push("only variables that begin with `$!`, `$.` or `$/` can be changed".into());
        }
        path
    }

    fn reload_lookup_table(&mut self, args: &[Expr], span: Span) -> Option<Statement> {
        let text = |expr: &Expr| match &expr.kind {
            ExprKind::Text(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
            _ => None,
        };
        let (name, stub) = match args {
            [name] => (text(name)?, None),
            [name, stub] => (text(name)?, Some(text(stub)?)),
            _ => {
                let message = "reload_lookup_table takes the table's name and, if wanted, a stub value";
                self.error(2207, "function-arguments", message, span);
                return None;
            }
        };
        match self.plan.lookup_tables.iter().position(|t| t.name == name) {
            Some(table) => Some(Statement::ReloadLookupTable { table, stub, span }),
            None => {
                let message = format!("lookup table '{name}' not found");
                self.error(2207, "unknown-lookup-table", message, span);
                None
            }
        }
    }

    fn bsd_block(&mut self, word: &Word) {
        let message = format!(
            "BSD-style block '{}' is read as a filter for the selectors below it; rsyslog 8 does not support such blocks",
            word.text
        );
        self.warning(2304, "bsd-block", message, word.span)
            .help
            .push("the portable form is `if $programname == \"...\" then { ... }`, or $hostname".into());
        let mut chars = word.text.chars();
        let kind = chars.next();
        let rest = chars.as_str();
        let (negate, names) = match (kind, rest.strip_prefix(['-', '+'])) {
            (Some('!'), Some(names)) => (rest.starts_with('-'), names),
            (Some('-'), _) => (true, rest),
            _ => (false, rest),
        };
        let list = names.split(',').filter(|n| !n.is_empty()).map(String::from).collect::<Vec<_>>();
        let block = (names != "*" && !list.is_empty()).then_some((negate, list, word.span));
        match kind {
            Some('!') => self.bsd.programs = block,
            _ => self.bsd.hosts = block,
        }
    }

    fn within_bsd_blocks(&mut self, statement: Statement, span: Span) -> Statement {
        let mut statement = statement;
        for (block, property) in
            [(&self.bsd.programs, Property::Programname), (&self.bsd.hosts, Property::Hostname)]
        {
            let Some((negate, names, at)) = block else { continue };
            let expr = |kind| Expr { kind, span: *at };
            let read = |property| expr(ExprKind::Property(PropertyRef::Named(property)));
            let local = property == Property::Hostname && names.iter().any(|n| n == "@");
            let right = match local {
                true => read(Property::Myhostname),
                false => expr(ExprKind::Array(names.iter().map(|n| n.clone().into_bytes()).collect())),
            };
            let mut test = expr(ExprKind::Binary(BinaryOp::Equal, Box::new(read(property)), Box::new(right)));
            if *negate {
                test = expr(ExprKind::Unary(UnaryOp::Not, Box::new(test)));
            }
            statement = Statement::If {
                filter: Filter::Expr(test),
                then: vec![statement],
                otherwise: Vec::new(),
                span,
            };
        }
        statement
    }
}
