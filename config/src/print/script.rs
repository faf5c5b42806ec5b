//! Statements and expressions as RainerScript.

use super::Printer;
use super::object::{Item, quoted};
use crate::parse::{FACILITIES, SEVERITIES};
use crate::plan::{
    ActionId, BinaryOp, Block, Comparison, Expr, ExprKind, Filter, Function, JsonPath, JsonRoot,
    PriorityMask, PropertyRef, Statement, Step, UnaryOp,
};

impl Printer<'_> {
    /// Statements, one a line, indented by `level`.
    pub(super) fn block(&self, block: &Block, level: usize) -> String {
        let mut out = String::new();
        for statement in block {
            self.statement(statement, level, &mut out);
        }
        out
    }

    fn statement(&self, statement: &Statement, level: usize, out: &mut String) {
        let pad = "  ".repeat(level);
        let text = match statement {
            Statement::If { filter, then, otherwise, .. } => {
                // `*.*` is no condition.
                if filter.is_always() && otherwise.is_empty() {
                    out.push_str(&self.block(then, level));
                    return;
                }
                let mut text = format!("{} {{\n{}{pad}}}", self.filter(filter), self.body(then, level + 1));
                let mut rest = otherwise;
                // A ladder of `else if` is printed as one.
                while let [Statement::If { filter, then, otherwise, .. }] = rest.as_slice() {
                    let head = self.filter(filter);
                    if !head.starts_with("if") {
                        break;
                    }
                    text.push_str(&format!(" else {head} {{\n{}{pad}}}", self.body(then, level + 1)));
                    rest = otherwise;
                }
                if !rest.is_empty() {
                    text.push_str(&format!(" else {{\n{}{pad}}}", self.block(rest, level + 1)));
                }
                text
            }
            Statement::Action(id) => match self.action(*id) {
                Some(item) => item.head(),
                None => return,
            },
            Statement::Stop => "stop".into(),
            Statement::Continue => "continue".into(),
            Statement::Set { var, expr, .. } => format!("set {} = {};", path(var), self.expr(expr)),
            Statement::Reset { var, expr, .. } => format!("reset {} = {};", path(var), self.expr(expr)),
            Statement::Unset { var, .. } => format!("unset {};", path(var)),
            Statement::Call { ruleset, .. } => {
                let name = self.loaded.plan.rulesets.get(ruleset.0).map_or("", |r| r.name.as_str());
                if name.is_empty() {
                    "continue # not translated: call of an unknown ruleset".into()
                } else {
                    format!("call {name}")
                }
            }
            Statement::CallIndirect { expr, .. } => format!("call_indirect {};", self.expr(expr)),
            Statement::Foreach { var, list, body, .. } => {
                format!(
                    "foreach ({} in {}) do {{\n{}{pad}}}",
                    path(var),
                    self.expr(list),
                    self.body(body, level + 1)
                )
            }
            Statement::ReloadLookupTable { table, stub, .. } => {
                let name = self.loaded.plan.lookup_tables.get(*table).map_or("", |t| t.name.as_str());
                match stub {
                    Some(stub) => format!(
                        "reload_lookup_table({}, {})",
                        literal(name.as_bytes()),
                        literal(stub.as_bytes())
                    ),
                    None => format!("reload_lookup_table({})", literal(name.as_bytes())),
                }
            }
        };
        out.push_str(&format!("{pad}{text}\n"));
    }

    /// A block that must not be empty.
    fn body(&self, block: &Block, level: usize) -> String {
        match block.is_empty() {
            true => format!("{}continue\n", "  ".repeat(level)),
            false => self.block(block, level),
        }
    }

    pub(super) fn action(&self, id: ActionId) -> Option<Item> {
        let plan = &self.loaded.plan;
        let action = plan.actions.get(id.0)?;
        let module = plan.modules.get(action.module)?;
        let mut item = Item::new("action");
        item.text("type", &module.spec.name);
        self.add_values(&mut item, &action.common, |name| name != "type");
        self.add_values(&mut item, &action.values, |_| true);
        // A directive chose the template for actions that name none.
        let named = item.params.iter().any(|(name, _)| name.eq_ignore_ascii_case("template"));
        let default = module.values.str("template").or(module.spec.default_template.as_deref());
        if let Some(template) = action.template.and_then(|id| plan.templates.get(id.0)).filter(|_| !named) {
            let takes = module.spec.instance_params.iter().any(|p| p.answers_to("template"));
            // Names that begin with a blank are internal: they are defaults of their outputs.
            let internal = template.name.starts_with(' ');
            if takes && !internal && default != Some(template.name.as_str()) {
                item.text("template", &template.name);
            }
        }
        self.add_own_streams(&mut item, &action.streams, Some(&module.streams));
        if let Some(queue) = &action.queue {
            self.add_values(&mut item, queue, |_| true);
        }
        Some(item)
    }

    /// A condition up to its block.
    pub(super) fn filter(&self, filter: &Filter) -> String {
        match filter {
            Filter::Priority(mask) => format!("if prifilt({}) then", literal(selector(mask).as_bytes())),
            Filter::Expr(expr) => format!("if {} then", self.expr(expr)),
            Filter::Property { property, negate, op, value } => {
                let name = self.property(property);
                let value = literal(value);
                let test = match op {
                    Comparison::Contains => format!("{name} contains {value}"),
                    Comparison::IsEqual => format!("{name} == {value}"),
                    Comparison::StartsWith => format!("{name} startswith {value}"),
                    Comparison::EndsWith => format!("{name} endswith {value}"),
                    Comparison::IsEmpty => format!("{name} == \"\""),
                    Comparison::EreRegex => format!("re_match({name}, {value})"),
                    // RainerScript has no basic regular expressions.
                    Comparison::Regex => {
                        let Filter::Property { value, .. } = filter else { return String::new() };
                        let text = String::from_utf8_lossy(value).replace('\\', "\\\\").replace('"', "\\\"");
                        let not = if *negate { "!" } else { "" };
                        let name = name.strip_prefix('$').unwrap_or(&name);
                        return format!(":{name}, {not}regex, \"{text}\"");
                    }
                };
                match (*negate, op) {
                    (false, _) => format!("if {test} then"),
                    (true, Comparison::EreRegex) => format!("if not {test} then"),
                    (true, _) => format!("if not ({test}) then"),
                }
            }
        }
    }

    pub(super) fn property(&self, property: &PropertyRef) -> String {
        match property {
            PropertyRef::Named(property) => format!("${}", property.name()),
            PropertyRef::Json(json) => path(json),
        }
    }

    pub(super) fn expr(&self, expr: &Expr) -> String {
        let nested = |expr: &Expr| match &expr.kind {
            ExprKind::Binary(..) => format!("({})", self.expr(expr)),
            _ => self.expr(expr),
        };
        match &expr.kind {
            ExprKind::Number(n) => n.to_string(),
            ExprKind::Text(text) => literal(text),
            ExprKind::Array(items) => {
                let items: Vec<String> = items.iter().map(|item| literal(item)).collect();
                format!("[{}]", items.join(", "))
            }
            ExprKind::Property(property) => match property {
                PropertyRef::Named(p) if p.name().starts_with("$!") => p.name().to_string(),
                other => self.property(other),
            },
            ExprKind::Unary(UnaryOp::Not, inner) => format!("not {}", nested(inner)),
            ExprKind::Unary(UnaryOp::Negate, inner) => format!("- {}", nested(inner)),
            ExprKind::Binary(op, left, right) => {
                format!("{} {} {}", nested(left), operator(*op), nested(right))
            }
            ExprKind::Call(function, args) => self.call(function, args),
        }
    }

    fn call(&self, function: &Function, args: &[Expr]) -> String {
        let plan = &self.loaded.plan;
        let named = |list: &[crate::plan::Object], at: &Option<usize>| {
            at.and_then(|at| list.get(at)).map_or(String::new(), |object| object.name.clone())
        };
        let (name, first) = match function {
            Function::Core(core) => (core.name(), None),
            Function::Prifilt(mask) => ("prifilt", Some(selector(mask))),
            Function::Lookup(at) => ("lookup", Some(named(&plan.lookup_tables, at))),
            Function::DynInc(at) => ("dyn_inc", Some(named(&plan.dyn_stats, at))),
            Function::PercentileObserve(at) => {
                ("percentile_observe", Some(named(&plan.percentile_stats, at)))
            }
            Function::ExecTemplate(id) => {
                ("exec_template", Some(plan.templates.get(id.0).map_or(String::new(), |t| t.name.clone())))
            }
            Function::Module(_, name) => (name.as_str(), None),
            Function::Zero => return "0".into(),
        };
        let first = first.map(|text| literal(text.as_bytes()));
        let args: Vec<String> = first.into_iter().chain(args.iter().map(|arg| self.expr(arg))).collect();
        format!("{name}({})", args.join(", "))
    }
}

/// A string in an expression.
fn literal(text: &[u8]) -> String {
    let mut out = String::new();
    for c in quoted(text).chars() {
        if c == '$' {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

pub(super) fn path(path: &JsonPath) -> String {
    let mut out = String::from(match path.root {
        JsonRoot::Message => "$!",
        JsonRoot::Local => "$.",
        JsonRoot::Global => "$/",
    });
    for (at, step) in path.steps.iter().enumerate() {
        match step {
            Step::Key(key) => {
                if at > 0 {
                    out.push('!');
                }
                out.push_str(key);
            }
            Step::Index(n) => out.push_str(&format!("[{n}]")),
        }
    }
    out
}

fn operator(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::And => "and",
        BinaryOp::Or => "or",
        BinaryOp::Equal => "==",
        BinaryOp::NotEqual => "!=",
        BinaryOp::Less => "<",
        BinaryOp::LessEqual => "<=",
        BinaryOp::Greater => ">",
        BinaryOp::GreaterEqual => ">=",
        BinaryOp::Contains => "contains",
        BinaryOp::ContainsI => "contains_i",
        BinaryOp::StartsWith => "startswith",
        BinaryOp::StartsWithI => "startswith_i",
        BinaryOp::EndsWith => "endswith",
        BinaryOp::Add => "+",
        BinaryOp::Subtract => "-",
        BinaryOp::Concat => "&",
        BinaryOp::Multiply => "*",
        BinaryOp::Divide => "/",
        BinaryOp::Modulo => "%",
    }
}

/// A selector that decodes to this mask: facilities of one mask together, the most common mask as `*`.
pub(super) fn selector(mask: &PriorityMask) -> String {
    let mut parts = Vec::new();
    let bits = |number: u8| mask.0.get(usize::from(number)).copied().unwrap_or(0);
    // The facility without a name (15) can only be meant by `*`.
    let common = bits(15);
    if common != 0 {
        parts.extend(priorities(common).into_iter().map(|p| format!("*.{p}")));
    }
    let mut done: Vec<u8> = Vec::new();
    for (_, number) in FACILITIES {
        let own = bits(*number);
        if own == common || done.contains(number) {
            continue;
        }
        let mut names = Vec::new();
        for (name, other) in FACILITIES {
            if bits(*other) == own && !done.contains(other) {
                done.push(*other);
                names.push(*name);
            }
        }
        let names = names.join(",");
        if common != 0 {
            parts.push(format!("{names}.none"));
        }
        parts.extend(priorities(own).into_iter().map(|p| format!("{names}.{p}")));
    }
    if parts.is_empty() {
        parts.push("*.none".into());
    }
    parts.join(";")
}

/// Priorities that together set these bits.
fn priorities(bits: u8) -> Vec<String> {
    let name = |n: u32| SEVERITIES.iter().find(|(_, s)| u32::from(*s) == n).map_or("debug", |(name, _)| name);
    match bits {
        0xff => vec!["*".into()],
        0 => Vec::new(),
        // A run from the gravest one down.
        _ if bits & bits.wrapping_add(1) == 0 => vec![name(bits.count_ones() - 1).to_string()],
        _ => (0..8).filter(|n| bits & (1 << n) != 0).map(|n| format!("={}", name(n))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printed_selectors_decode_to_the_same_mask() {
        for text in [
            "*.*",
            "*.info;mail.none;authpriv.none;cron.none",
            "mail.=info;mail.=debug;kern.!=err",
            "*.=debug;auth,authpriv.none;news.none;mail.none",
            "local7.*",
            "*.*;local0.!warn",
            "invld.*",
            "mail.none",
        ] {
            let (mask, _) = crate::parse::decode_selector(text);
            let printed = selector(&mask);
            assert_eq!(crate::parse::decode_selector(&printed), (mask, None), "{text} -> {printed}");
        }
    }
}
