//! template() objects and `$template`.

use super::Loader;
use super::replacer::date_format;
use crate::ast::{Object, Word};
use crate::catalogue;
use crate::diagnostic::Diagnostic;
use crate::plan::{
    Case, Constant, ControlCharacters, DataType, FieldPick, Format, NoMatch, OnEmpty, Piece, Position,
    PropertyRef, RegexKind, RegexPick, Replacer, SecurePath, Template, TemplateKind, TemplateOption, Values,
};
use crate::source::Span;

impl Loader<'_> {
    /// A template() object.
    pub(super) fn template_object(&mut self, object: &Object) {
        let mut values = Values::unset(catalogue::template());
        let sound = self.fill(object, &mut [&mut values]);
        let name = values.str("name").unwrap_or("").to_string();
        let at = values.span("name").unwrap_or(object.span);
        if !name.is_empty() {
            // Taken back when the definition turns out to be usable.
            self.failed_templates.insert(name.clone(), at);
        }
        if !sound {
            return;
        }
        let keep_case = values.bool("option.casesensitive").unwrap_or(false);
        let Some(option) = self.template_option(&name, &values, object.span) else { return };
        let kind = values.str("type").unwrap_or("").to_ascii_lowercase();
        let missing = |this: &mut Self, what: &str| {
            let message = format!("template '{name}' of type {kind} needs {what} parameter");
            this.error(0, "template", message, object.span);
        };
        let kind = match kind.as_str() {
            "string" => {
                // The bytes of the text: an escape may have made something that is no UTF-8.
                let Some(text) = self.bytes_of(object, "string") else { return missing(self, "string") };
                let at = values.span("string").unwrap_or(object.span);
                self.template_text(&text, false, keep_case, at).map(TemplateKind::Pieces)
            }
            "list" if object.children.is_empty() => {
                let message = format!("template '{name}' of type list has no parameters specified");
                self.error(0, "template", message, object.span);
                None
            }
            "list" => Some(TemplateKind::Pieces(self.template_list(object, keep_case))),
            "subtree" => {
                let Some(text) = values.str("subtree") else { return missing(self, "subtree") };
                let at = values.span("subtree").unwrap_or(object.span);
                match PropertyRef::find(text, keep_case) {
                    Some(path @ PropertyRef::Json(_)) => Some(TemplateKind::Subtree(path)),
                    _ => {
                        let message = format!(
                            "invalid subtree parameter, variable must start with '$!' but var name is '{text}'"
                        );
                        self.error(0, "template", message, at);
                        None
                    }
                }
            }
            "plugin" => {
                let Some(plugin) = values.str("plugin") else { return missing(self, "plugin") };
                Some(TemplateKind::Plugin(plugin.to_string()))
            }
            other => {
                let message = format!("invalid template type '{other}'");
                let d = self.error(0, "template", message, values.span("type").unwrap_or(object.span));
                d.help.push("the types are string, list, subtree and plugin".into());
                return;
            }
        };
        if let Some(kind) = kind {
            self.add_template(
                Template { name, kind, option, case_sensitive: keep_case, span: object.span },
                at,
            );
        }
    }

    fn bytes_of(&mut self, object: &Object, name: &str) -> Option<Vec<u8>> {
        let param = object.params.iter().find(|p| p.name.text.eq_ignore_ascii_case(name))?;
        match &param.value {
            crate::ast::Value::Text(bytes) => Some(bytes.clone()),
            other => match self.raw(other, param.span) {
                super::Raw::Text(text) => Some(text.into_bytes()),
                super::Raw::List(list) => list.into_iter().next().map(String::into_bytes),
            },
        }
    }

    fn add_template(&mut self, template: Template, at: Span) {
        self.failed_templates.remove(&template.name);
        let before = self.plan.template(&template.name).and_then(|id| self.plan.templates.get(id.0));
        if let Some(before) = before {
            let span = before.span;
            // rsyslog: silently the first one wins; a remark costs nothing.
            let message =
                format!("template '{}' is defined already - the first definition is used", template.name);
            let mut d = Diagnostic::warning(0, "duplicate-template", message, at);
            d.severity = crate::Severity::Note;
            self.diagnostics.push(d.label(span, "it was defined here first"));
            return;
        }
        self.plan.templates.push(template);
    }

    fn template_option(&mut self, name: &str, values: &Values, at: Span) -> Option<TemplateOption> {
        let set: Vec<TemplateOption> = [
            ("option.sql", TemplateOption::Sql),
            ("option.stdsql", TemplateOption::StdSql),
            ("option.json", TemplateOption::Json),
            ("option.jsonf", TemplateOption::Jsonf),
            ("option.jsonftree", TemplateOption::JsonfTree),
        ]
        .into_iter()
        .filter(|(param, _)| values.bool(param) == Some(true))
        .map(|(_, option)| option)
        .collect();
        match set.as_slice() {
            [] => Some(TemplateOption::None),
            [one] => Some(*one),
            _ => {
                let message = format!(
                    "template '{name}' has multiple incompatible options of sql, stdsql or json specified"
                );
                self.error(0, "template", message, at);
                None
            }
        }
    }

    /// The pieces of a list. rsyslog: one that is broken is left out, the template is used without it.
    fn template_list(&mut self, object: &Object, keep_case: bool) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for child in &object.children {
            if self.disabled(child) {
                continue;
            }
            pieces.extend(match child.word.as_str() {
                "constant" => self.constant_piece(child),
                _ => self.property_piece(child, keep_case),
            });
        }
        pieces
    }

    fn constant_piece(&mut self, object: &Object) -> Option<Piece> {
        let mut values = Values::unset(catalogue::template_constant());
        if !self.fill(object, &mut [&mut values]) {
            return None;
        }
        Some(Piece::Constant(Constant {
            text: self.bytes_of(object, "value").unwrap_or_default(),
            jsonf: values.str("format").is_some(),
            outname: values.str("outname").map(String::from),
        }))
    }

    fn property_piece(&mut self, object: &Object, keep_case: bool) -> Option<Piece> {
        let mut values = Values::unset(catalogue::template_property());
        let sound = self.fill(object, &mut [&mut values]);
        let name = values.str("name").unwrap_or("").to_string();
        let at = values.span("name").unwrap_or(object.span);
        let property = self.property(&name, keep_case, at)?;
        if !sound {
            return None;
        }
        let word = |param: &str| values.str(param).unwrap_or("").to_ascii_lowercase();
        let on = |param: &str| values.bool(param) == Some(true);
        let number = |param: &str| values.int(param).and_then(|n| u32::try_from(n).ok());
        let mut replacer = Replacer {
            fixed_width: on("fixedWidth"),
            sp_if_no_1st_sp: on("spifno1stsp"),
            drop_last_lf: on("dropLastLF"),
            compress_space: on("compressSpace"),
            utc: on("date.inUTC"),
            omit_if_zero: on("omitIfZero"),
            mandatory: on("mandatory"),
            fieldname: values.str("outname").map(String::from),
            date: date_format(&word("dateFormat")).unwrap_or_default(),
            ..Replacer::default()
        };
        replacer.case = match word("caseConversion").as_str() {
            "lower" => Case::Lower,
            "upper" => Case::Upper,
            _ => Case::Keep,
        };
        replacer.control = match word("controlCharacters").as_str() {
            "escape" => ControlCharacters::Escape,
            "escape-octal" => ControlCharacters::EscapeOctal,
            "space" => ControlCharacters::Space,
            "drop" => ControlCharacters::Drop,
            _ => ControlCharacters::Keep,
        };
        replacer.path = match word("securePath").as_str() {
            "drop" => SecurePath::Drop,
            "replace" => SecurePath::Replace,
            _ => SecurePath::Keep,
        };
        replacer.format = match word("format").as_str() {
            "csv" => Format::Csv,
            "json" => Format::Json,
            "jsonf" => Format::Jsonf,
            "jsonr" => Format::Jsonr,
            "jsonfr" => Format::Jsonfr,
            _ => Format::Plain,
        };
        replacer.data_type = match word("dataType").as_str() {
            "number" => DataType::Number,
            "bool" => DataType::Bool,
            "auto" => DataType::Auto,
            _ => DataType::String,
        };
        replacer.on_empty = match word("onEmpty").as_str() {
            "skip" => OnEmpty::Skip,
            "null" => OnEmpty::Null,
            _ => OnEmpty::Keep,
        };
        if let Some(field) = number("field.number") {
            let delimiter = values.int("field.delimiter").and_then(|n| u8::try_from(n).ok()).unwrap_or(9);
            replacer.field = Some(FieldPick { number: field.max(1), delimiter, join_delimiters: false });
        }
        if let Some(expression) = self.bytes_of(object, "regex.expression") {
            replacer.regex = Some(RegexPick {
                expression,
                kind: if word("regex.type") == "ere" { RegexKind::Extended } else { RegexKind::Basic },
                submatch: number("regex.submatch").unwrap_or(0),
                match_number: number("regex.match").unwrap_or(0),
                no_match: match word("regex.noMatchMode").as_str() {
                    "blank" => NoMatch::Blank,
                    "zero" => NoMatch::Zero,
                    "field" => NoMatch::Field,
                    _ => NoMatch::Default,
                },
            });
        }
        let (from, to) = (values.int("position.from"), values.int("position.to"));
        if from.is_some() || to.is_some() {
            let from = from.unwrap_or(0);
            if let Some(to) = to.filter(|to| *to >= 0 && *to < from && !on("position.relativeToEnd")) {
                let message = format!("position.to={to} is lower than position.from={from}");
                self.error(0, "template", message, values.span("position.to").unwrap_or(at));
                return None;
            }
            replacer.position = Some(Position { from, to, from_end: on("position.relativeToEnd") });
        }
        Some(Piece::Property(property, Box::new(replacer)))
    }

    /// `$template name,"text",options` or `$template name,=plugin`
    pub(super) fn template_directive(&mut self, value: &Word, span: Span) {
        let Some((name, rest)) = value.text.split_once(',') else {
            let message = format!("Template '{}' invalid, no text follows its name", value.text);
            self.error(0, "template", message, span);
            return;
        };
        let name = name.trim().to_string();
        let rest = rest.trim_start();
        if let Some(plugin) = rest.strip_prefix('=') {
            let plugin = plugin.split_whitespace().next().unwrap_or("").to_string();
            let kind = TemplateKind::Plugin(plugin);
            self.add_template(
                Template { name, kind, option: TemplateOption::None, case_sensitive: false, span },
                value.span,
            );
            return;
        }
        let Some(quoted) = rest.strip_prefix('"') else {
            let message = format!("error: extra characters in config line ignored: '{rest}'");
            self.error(0, "template", message, value.span)
                .help
                .push("the text of a template stands in double quotes".into());
            return;
        };
        let Some(end) = closing_quote(quoted) else {
            self.error(0, "unclosed-string", format!("template '{name}' has no closing quote"), value.span)
                .help
                .push("a `$` directive ends with its line; a backslash at the end continues it".into());
            return;
        };
        let (text, tail) = (quoted.get(..end).unwrap_or(""), quoted.get(end + 1..).unwrap_or(""));
        let mut option = TemplateOption::None;
        let mut keep_case = false;
        for word in tail.split('#').next().unwrap_or("").split(',').map(str::trim).filter(|w| !w.is_empty()) {
            match word.to_ascii_lowercase().as_str() {
                "sql" => option = TemplateOption::Sql,
                "stdsql" => option = TemplateOption::StdSql,
                "json" => option = TemplateOption::Json,
                "jsonf" => option = TemplateOption::Jsonf,
                "jsonftree" => option = TemplateOption::JsonfTree,
                "nosql" => option = TemplateOption::None,
                "casesensitive" => keep_case = true,
                _ => {
                    let message = format!("error: unknown template option '{word}' ignored");
                    self.error(0, "template", message, value.span);
                }
            }
        }
        if let Some(pieces) = self.template_text(text.as_bytes(), true, keep_case, value.span) {
            let kind = TemplateKind::Pieces(pieces);
            self.add_template(Template { name, kind, option, case_sensitive: keep_case, span }, value.span);
        } else {
            self.failed_templates.insert(name, value.span);
        }
    }
}

/// The place of the quote that ends a legacy template's text.
fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let end = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        end
    })
}
