//! The property replacer of text templates: what stands between two percent signs.

use super::Loader;
use crate::diagnostic::Diagnostic;
use crate::plan::{
    Case, Constant, ControlCharacters, DateFormat, FieldPick, Format, NoMatch, Piece, Position, PropertyRef,
    RegexKind, RegexPick, Replacer, SecurePath,
};
use crate::source::Span;

impl Loader<'_> {
    /// Reads a template's text; none when a property in it is unknown (which is reported).
    pub(super) fn template_text(
        &mut self,
        text: &[u8],
        legacy: bool,
        keep_case: bool,
        at: Span,
    ) -> Option<Vec<Piece>> {
        let mut pieces = Vec::new();
        let mut constant = Vec::new();
        let mut rest = text;
        let mut sound = true;
        while let Some((&byte, after)) = rest.split_first() {
            if byte == b'\\' && legacy {
                // The escape is decoded below; its second character must not start a property.
                constant.push(byte);
                constant.extend(after.first());
                rest = after.get(1..).unwrap_or_default();
                continue;
            }
            if byte != b'%' {
                constant.push(byte);
                rest = after;
                continue;
            }
            flush(&mut constant, legacy, &mut pieces);
            let mut reader = Reader { rest: after };
            match self.piece(&mut reader, keep_case, at) {
                Some(piece) => pieces.push(piece),
                None => sound = false,
            }
            rest = reader.rest;
        }
        flush(&mut constant, legacy, &mut pieces);
        sound.then_some(pieces)
    }

    /// Reads one `name:from:to:options:fieldname%`; the reader moves behind the closing percent sign.
    fn piece(&mut self, reader: &mut Reader<'_>, keep_case: bool, at: Span) -> Option<Piece> {
        let name = reader.until(b":%");
        let next = if reader.rest.first() == Some(&b':') { ":" } else { "%" };
        let property = self.property(&name, keep_case, self.within(at, &format!("%{name}{next}")));
        let mut replacer = Replacer::default();
        if reader.eat(b':') {
            self.bounds(reader, &mut replacer, self.within(at, &format!("%{name}:{}", reader.ahead())));
        }
        if reader.eat(b':') {
            for option in reader.until(b":%").split(',').filter(|o| !o.is_empty()) {
                self.option(option.trim(), &mut replacer, self.within(at, option));
            }
        }
        // rsyslog: bounds in the wrong order are swapped, but those that count from the end are right that way.
        if let Some(Position { from, to: Some(to), from_end: false }) = &mut replacer.position
            && *to < *from
        {
            std::mem::swap(from, to);
        }
        if reader.eat(b':') {
            replacer.fieldname = Some(reader.until(b"%")).filter(|name| !name.is_empty());
        }
        // rsyslog: an alias is what the field is called in JSON.
        if let Some(PropertyRef::Named(named)) = property
            && replacer.fieldname.is_none()
            && !name.eq_ignore_ascii_case(named.name())
        {
            replacer.fieldname = Some(name);
        }
        if !reader.eat(b'%') {
            // rsyslog: a missing percent sign at the end is tolerated.
            reader.until(b"%");
            reader.eat(b'%');
        }
        Some(Piece::Property(property?, Box::new(replacer)))
    }

    fn bounds(&mut self, reader: &mut Reader<'_>, replacer: &mut Replacer, at: Span) {
        match reader.rest.first() {
            Some(b'R') => {
                let mut words = reader.until(b":%");
                words.make_ascii_uppercase();
                let mut words = words.split(',').skip(1);
                let kind = match words.next() {
                    None | Some("BRE" | "") => RegexKind::Basic,
                    Some("ERE") => RegexKind::Extended,
                    Some(other) => {
                        self.replacer_error(
                            format!("error: unknown regular expression type '{other}' in property replacer"),
                            at,
                        );
                        RegexKind::Basic
                    }
                };
                let submatch = words.next().and_then(|n| n.parse().ok()).unwrap_or(0);
                let no_match = match words.next() {
                    None | Some("DFLT" | "") => NoMatch::Default,
                    Some("BLANK") => NoMatch::Blank,
                    Some("ZERO") => NoMatch::Zero,
                    Some("FIELD") => NoMatch::Field,
                    Some(other) => {
                        self.replacer_error(
                            format!("template error: invalid regex nomatch mode '{other}'"),
                            at,
                        );
                        NoMatch::Default
                    }
                };
                let match_number = words.next().and_then(|n| n.parse().ok()).unwrap_or(0);
                if !reader.eat(b':') {
                    self.replacer_error(
                        "error: a regular expression must follow the colon after `R`".into(),
                        at,
                    );
                    return;
                }
                match reader.until_text(b"--end") {
                    Some(expression) => {
                        let expression = expression.to_vec();
                        replacer.regex =
                            Some(RegexPick { expression, kind, submatch, match_number, no_match });
                    }
                    None => self.replacer_error(
                        "error: a regular expression in a template must end with `--end`".into(),
                        at,
                    ),
                }
            }
            Some(b'F') => {
                let words = reader.until(b":%");
                let mut words = words.split(',').skip(1);
                let mut delimiter = 9;
                let mut join_delimiters = false;
                if let Some(word) = words.next().filter(|w| !w.is_empty()) {
                    let (digits, join) =
                        word.strip_suffix('+').map_or((word, false), |digits| (digits, true));
                    join_delimiters = join;
                    match digits.parse() {
                        Ok(code) => delimiter = code,
                        Err(_) => self.replacer_error(
                            format!("error: invalid character in frompos after \"F,\": '{word}' - using 9 (HT) as field delimiter"),
                            at,
                        ),
                    }
                }
                let from = words.next().and_then(|n| n.parse().ok()).unwrap_or(0);
                let mut number = 1;
                let mut to = None;
                if reader.eat(b':') {
                    let words = reader.until(b":%");
                    let mut words = words.split(',');
                    // rsyslog: field 0 is never found.
                    number = words.next().and_then(|n| n.parse().ok()).unwrap_or(0);
                    to = match words.next() {
                        Some("$") => None,
                        Some(word) => word.parse().ok(),
                        // rsyslog: without an end it is 0, and so `F,32,5:2` means 0 to 5.
                        None => (from > 0).then_some(0),
                    };
                }
                replacer.field = Some(FieldPick { number, delimiter, join_delimiters });
                if from > 0 || to.is_some() {
                    replacer.position = Some(Position { from, to, from_end: false });
                }
            }
            _ => {
                let from = reader.until(b":%");
                let to = if reader.eat(b':') { reader.until(b":%") } else { String::new() };
                for word in [&from, &to] {
                    if !word.is_empty() && word != "$" && !word.bytes().all(|b| b.is_ascii_digit()) {
                        self.replacer_error(
                            format!("error: invalid position '{word}' in property replacer"),
                            at,
                        );
                    }
                }
                if from.is_empty() && (to.is_empty() || to == "$") {
                    return;
                }
                let number = |text: &str| text.parse().unwrap_or(0);
                let end = if to == "$" { None } else { Some(number(&to)) };
                replacer.position = Some(Position { from: number(&from), to: end, from_end: false });
            }
        }
    }

    fn option(&mut self, option: &str, replacer: &mut Replacer, at: Span) {
        let lower = option.to_ascii_lowercase();
        let formats = [
            ("csv", Format::Csv),
            ("json", Format::Json),
            ("jsonf", Format::Jsonf),
            ("jsonr", Format::Jsonr),
            ("jsonfr", Format::Jsonfr),
        ];
        if let Some((_, format)) = formats.iter().find(|(name, _)| *name == lower) {
            if replacer.format != Format::Plain {
                self.replacer_error(
                    format!("error: can only specify one option out of (json, jsonf, jsonr, jsonfr, csv) - {lower} ignored"),
                    at,
                );
                return;
            }
            replacer.format = *format;
            return;
        }
        if let Some(date) = lower.strip_prefix("date-") {
            if date == "utc" {
                replacer.utc = true;
                return;
            }
            if let Some(format) = date_format(date) {
                replacer.date = format;
                return;
            }
        }
        match lower.as_str() {
            "lowercase" => replacer.case = Case::Lower,
            "uppercase" => replacer.case = Case::Upper,
            "escape-cc" => replacer.control = ControlCharacters::Escape,
            "space-cc" => replacer.control = ControlCharacters::Space,
            "drop-cc" => replacer.control = ControlCharacters::Drop,
            "secpath-drop" => replacer.path = SecurePath::Drop,
            "secpath-replace" => replacer.path = SecurePath::Replace,
            "sp-if-no-1st-sp" => replacer.sp_if_no_1st_sp = true,
            "compressspace" => replacer.compress_space = true,
            "drop-last-lf" => replacer.drop_last_lf = true,
            "fixed-width" => replacer.fixed_width = true,
            "mandatory-field" => replacer.mandatory = true,
            "pos-end-relative" => {
                if let Some(position) = &mut replacer.position {
                    position.from_end = true;
                }
            }
            _ => self.replacer_error(
                format!("template error: invalid field option '{option}' specified - ignored"),
                at,
            ),
        }
    }

    /// Looks a property up as templates write it.
    pub(super) fn property(&mut self, name: &str, keep_case: bool, at: Span) -> Option<PropertyRef> {
        let found = PropertyRef::find(name, keep_case);
        if found.is_none() {
            let d = Diagnostic::error(2207, "unknown-property", format!("invalid property '{name}'"), at);
            let d = match crate::suggest::nearest(name, crate::plan::property_names()) {
                Some(near) => d.help(format!("did you mean `{near}`?")),
                None if name.is_empty() => {
                    d.help("a literal percent sign needs a list template: `constant(value=\"%\")`")
                }
                None => d,
            };
            self.diagnostics.push(d);
        }
        found
    }

    fn replacer_error(&mut self, message: String, at: Span) {
        self.diagnostics.push(Diagnostic::error(0, "property-replacer", message, at));
    }
}

/// The date format of an option without its `date-`, or of `dateFormat=`.
pub(super) fn date_format(name: &str) -> Option<DateFormat> {
    Some(match name {
        "mysql" => DateFormat::Mysql,
        "pgsql" => DateFormat::Pgsql,
        "rfc3164" => DateFormat::Rfc3164,
        "rfc3164-buggyday" => DateFormat::Rfc3164BuggyDay,
        "rfc3339" => DateFormat::Rfc3339,
        "unixtimestamp" => DateFormat::UnixTimestamp,
        "subseconds" => DateFormat::Subseconds,
        "wday" => DateFormat::Wday,
        "wdayname" => DateFormat::WdayName,
        "year" => DateFormat::Year,
        "month" => DateFormat::Month,
        "day" => DateFormat::Day,
        "hour" => DateFormat::Hour,
        "minute" => DateFormat::Minute,
        "second" => DateFormat::Second,
        "tzoffshour" => DateFormat::TzOffsHour,
        "tzoffsmin" => DateFormat::TzOffsMin,
        "tzoffsdirection" => DateFormat::TzOffsDirection,
        "ordinal" => DateFormat::Ordinal,
        "week" => DateFormat::Week,
        "iso-week" => DateFormat::IsoWeek,
        "iso-week-year" => DateFormat::IsoWeekYear,
        _ => return None,
    })
}

fn flush(constant: &mut Vec<u8>, legacy: bool, pieces: &mut Vec<Piece>) {
    if constant.is_empty() {
        return;
    }
    let text = std::mem::take(constant);
    let text = if legacy { crate::parse::decimal_escapes(&text) } else { text };
    pieces.push(Piece::Constant(Constant { text, ..Constant::default() }));
}

/// The unread rest of a template's text.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn eat(&mut self, byte: u8) -> bool {
        match self.rest.split_first() {
            Some((first, rest)) if *first == byte => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// The text up to the next percent sign, without moving.
    fn ahead(&self) -> String {
        let end = self.rest.iter().position(|b| *b == b'%').unwrap_or(self.rest.len());
        String::from_utf8_lossy(self.rest.get(..end).unwrap_or_default()).into_owned()
    }

    /// The text up to one of the stop bytes, which is not consumed.
    fn until(&mut self, stops: &[u8]) -> String {
        let end = self.rest.iter().position(|b| stops.contains(b)).unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        String::from_utf8_lossy(text).into_owned()
    }

    /// The text up to a mark, which is consumed.
    fn until_text(&mut self, mark: &[u8]) -> Option<&'a [u8]> {
        let at = self.rest.windows(mark.len()).position(|window| window == mark)?;
        let (text, rest) = self.rest.split_at(at);
        self.rest = rest.get(mark.len()..).unwrap_or_default();
        Some(text)
    }
}
