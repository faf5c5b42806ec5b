//! Templates as objects: always the list form, which can say what every other form can.

use super::Printer;
use super::object::Item;
use super::script::path;
use crate::plan::{
    Case, ControlCharacters, DataType, DateFormat, Format, NoMatch, OnEmpty, Piece, PropertyRef, RegexKind,
    Replacer, SecurePath, TemplateKind, TemplateOption,
};

impl Printer<'_> {
    /// All templates that were written.
    pub(super) fn templates(&self) -> Vec<Item> {
        let mut items = Vec::new();
        for template in self.loaded.plan.templates.iter().filter(|t| !t.span.is_none()) {
            let mut item = Item::new("template");
            item.text("name", &template.name);
            match &template.kind {
                TemplateKind::Pieces(pieces) => {
                    item.text("type", "list");
                    item.children = pieces.iter().map(|piece| self.piece(piece)).collect();
                }
                TemplateKind::Subtree(property) => {
                    item.text("type", "subtree");
                    item.text("subtree", &self.property(property));
                }
                TemplateKind::Plugin(plugin) => {
                    item.text("type", "plugin");
                    item.text("plugin", plugin);
                }
            }
            let option = match template.option {
                TemplateOption::None => None,
                TemplateOption::Sql => Some("option.sql"),
                TemplateOption::StdSql => Some("option.stdsql"),
                TemplateOption::Json => Some("option.json"),
                TemplateOption::Jsonf => Some("option.jsonf"),
                TemplateOption::JsonfTree => Some("option.jsonftree"),
            };
            if let Some(option) = option {
                item.text(option, "on");
            }
            if template.case_sensitive {
                item.text("option.casesensitive", "on");
            }
            items.push(item);
        }
        items
    }

    fn piece(&self, piece: &Piece) -> Item {
        match piece {
            Piece::Constant(constant) => {
                let mut item = Item::new("constant");
                item.bytes("value", &constant.text);
                if constant.jsonf {
                    item.text("format", "jsonf");
                }
                if let Some(outname) = &constant.outname {
                    item.text("outname", outname);
                }
                item
            }
            Piece::Property(property, replacer) => {
                let mut item = Item::new("property");
                let name = match property {
                    PropertyRef::Named(property) => property.name().to_string(),
                    PropertyRef::Json(json) => path(json),
                };
                item.text("name", &name);
                options(&mut item, replacer);
                item
            }
        }
    }
}

fn options(item: &mut Item, r: &Replacer) {
    let mut word = |name: &str, value: &str| {
        if !value.is_empty() {
            item.text(name, value);
        }
    };
    let on = |set: bool| if set { "on" } else { "" };
    word("outname", r.fieldname.as_deref().unwrap_or(""));
    if let Some(field) = &r.field {
        word("field.number", &field.number.to_string());
        word("field.delimiter", &field.delimiter.to_string());
    }
    if let Some(regex) = &r.regex {
        word("regex.expression", &String::from_utf8_lossy(&regex.expression));
        word("regex.type", if regex.kind == RegexKind::Extended { "ERE" } else { "BRE" });
        word("regex.submatch", &regex.submatch.to_string());
        word("regex.match", &regex.match_number.to_string());
        word(
            "regex.noMatchMode",
            match regex.no_match {
                NoMatch::Default => "DFLT",
                NoMatch::Blank => "BLANK",
                NoMatch::Zero => "ZERO",
                NoMatch::Field => "FIELD",
            },
        );
    }
    if let Some(position) = &r.position {
        word("position.from", &position.from.to_string());
        word("position.to", &position.to.map_or(String::new(), |to| to.to_string()));
        word("position.relativeToEnd", on(position.from_end));
    }
    word("fixedWidth", on(r.fixed_width));
    word("spifno1stsp", on(r.sp_if_no_1st_sp));
    word(
        "caseConversion",
        match r.case {
            Case::Keep => "",
            Case::Lower => "lower",
            Case::Upper => "upper",
        },
    );
    word(
        "controlCharacters",
        match r.control {
            ControlCharacters::Keep => "",
            ControlCharacters::Escape => "escape",
            ControlCharacters::EscapeOctal => "escape-octal",
            ControlCharacters::Space => "space",
            ControlCharacters::Drop => "drop",
        },
    );
    word(
        "securePath",
        match r.path {
            SecurePath::Keep => "",
            SecurePath::Drop => "drop",
            SecurePath::Replace => "replace",
        },
    );
    word("dropLastLF", on(r.drop_last_lf));
    word("compressSpace", on(r.compress_space));
    word("dateFormat", date(r.date));
    word("date.inUTC", on(r.utc));
    word(
        "format",
        match r.format {
            Format::Plain => "",
            Format::Csv => "csv",
            Format::Json => "json",
            Format::Jsonf => "jsonf",
            Format::Jsonr => "jsonr",
            Format::Jsonfr => "jsonfr",
        },
    );
    word(
        "dataType",
        match r.data_type {
            DataType::String => "",
            DataType::Number => "number",
            DataType::Bool => "bool",
            DataType::Auto => "auto",
        },
    );
    word(
        "onEmpty",
        match r.on_empty {
            OnEmpty::Keep => "",
            OnEmpty::Skip => "skip",
            OnEmpty::Null => "null",
        },
    );
    word("omitIfZero", on(r.omit_if_zero));
    word("mandatory", on(r.mandatory));
}

fn date(format: DateFormat) -> &'static str {
    match format {
        DateFormat::Default => "",
        DateFormat::Rfc3164 => "rfc3164",
        DateFormat::Rfc3164BuggyDay => "rfc3164-buggyday",
        DateFormat::Rfc3339 => "rfc3339",
        DateFormat::Mysql => "mysql",
        DateFormat::Pgsql => "pgsql",
        DateFormat::UnixTimestamp => "unixtimestamp",
        DateFormat::Subseconds => "subseconds",
        DateFormat::Wday => "wday",
        DateFormat::WdayName => "wdayname",
        DateFormat::Year => "year",
        DateFormat::Month => "month",
        DateFormat::Day => "day",
        DateFormat::Hour => "hour",
        DateFormat::Minute => "minute",
        DateFormat::Second => "second",
        DateFormat::TzOffsHour => "tzoffshour",
        DateFormat::TzOffsMin => "tzoffsmin",
        DateFormat::TzOffsDirection => "tzoffsdirection",
        DateFormat::Ordinal => "ordinal",
        DateFormat::Week => "week",
        DateFormat::IsoWeek => "iso-week",
        DateFormat::IsoWeekYear => "iso-week-year",
    }
}
