//! What a configuration says about parsing, besides the order of the parsers.

/// Options of the parsers of one input: the `parser.*` parameters of `global()`, those of pmrfc3164, and what the
/// input knows about its messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Host name and tag are looked for in RFC 3164 messages (`parser.parseHostnameAndTag`).
    pub parse_hostname_and_tag: bool,
    /// `/` does not end the program name (`parser.permitSlashInProgramname`).
    pub permit_slash_in_programname: bool,
    /// Messages of this input contain a host name; off for local sockets (`parseHostname`).
    pub parse_hostname: bool,
    /// The time of reception counts, whatever the message states (`ignoreTimestamp`).
    pub ignore_timestamp: bool,
    /// pmrfc3164 `detect.yearAfterTimestamp`.
    pub detect_year_after_timestamp: bool,
    /// pmrfc3164 `permit.squareBracketsInHostname`.
    pub permit_square_brackets_in_hostname: bool,
    /// pmrfc3164 `permit.slashesInHostname`.
    pub permit_slashes_in_hostname: bool,
    /// pmrfc3164 `permit.atSignsInHostname`.
    pub permit_at_signs_in_hostname: bool,
    /// pmrfc3164 `force.tagEndingByColon`.
    pub force_tag_ending_by_colon: bool,
    /// pmrfc3164 `remove.msgFirstSpace`.
    pub remove_msg_first_space: bool,
    /// pmrfc3164 `detect.headerless`: [`Parsed::headerless`](crate::Parsed::headerless) tells the result.
    pub detect_headerless: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            parse_hostname_and_tag: true,
            permit_slash_in_programname: false,
            parse_hostname: true,
            ignore_timestamp: false,
            detect_year_after_timestamp: false,
            permit_square_brackets_in_hostname: false,
            permit_slashes_in_hostname: false,
            permit_at_signs_in_hostname: false,
            force_tag_ending_by_colon: false,
            remove_msg_first_space: false,
            detect_headerless: false,
        }
    }
}
