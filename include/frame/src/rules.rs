//! What a listener's parameters say about framing; one `Rules` serves all of its sessions.

/// The framing rules of a listener, in rsyslog's terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Octet-counted frames are recognised (`octetCountedFraming`).
    pub octet_counted: bool,
    /// LF ends a frame that is not octet-counted (`disableLFDelimiter` turns it off).
    pub lf: bool,
    /// Another byte that ends such a frame (`addtlFrameDelimiter`).
    pub extra_delimiter: Option<u8>,
    /// Largest octet count that is believed (`maxFrameSize`), in bytes; above it the frame ends at its LF.
    pub max_frame: usize,
    /// Largest frame handed on (`maxMessageSize`), in bytes; longer ones are split. Less than 20 counts as 20.
    pub max_message: usize,
    /// What exceeds `max_message` is dropped instead of becoming further frames (`discardTruncatedMsg`).
    pub discard_truncated: bool,
    /// Blanks before a frame are skipped (`framingFix.cisco.asa`).
    pub cisco_asa: bool,
    /// LF ends a frame only if `<` follows (`multiLine` of imptcp).
    pub multi_line: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            octet_counted: true,
            lf: true,
            extra_delimiter: None,
            max_frame: 200_000,
            max_message: 8096,
            discard_truncated: false,
            cisco_asa: false,
            multi_line: false,
        }
    }
}
