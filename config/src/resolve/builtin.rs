//! The templates that every rsyslog has. Those whose name begins with a blank are meant for internal use, but can be
//! named by anybody.

use super::Loader;
use crate::plan::{Template, TemplateKind, TemplateOption};
use crate::source::Span;

impl Loader<'_> {
    /// Puts the built-in templates into the Plan.
    pub(super) fn add_builtin_templates(&mut self) {
        for (name, option, text) in TEMPLATES {
            // They are sound; a test reads them all.
            let pieces = self.template_text(text.as_bytes(), false, false, Span::NONE).unwrap_or_default();
            self.plan.templates.push(Template {
                name: (*name).to_string(),
                kind: TemplateKind::Pieces(pieces),
                option: *option,
                case_sensitive: false,
                span: Span::NONE,
            });
        }
    }
}

use TemplateOption::{None as Plain, Sql, StdSql};

const TEMPLATES: &[(&str, TemplateOption, &str)] = &[
    (
        "RSYSLOG_DebugFormat",
        Plain,
        "Debug line with all properties:\n\
         FROMHOST: '%fromhost%', fromhost-ip: '%fromhost-ip%', HOSTNAME: '%hostname%', PRI: %pri%,\n\
         syslogtag '%syslogtag%', programname: '%programname%', APP-NAME: '%app-name%', PROCID: '%procid%', MSGID: '%msgid%',\n\
         TIMESTAMP: '%timestamp%', STRUCTURED-DATA: '%structured-data%',\n\
         msg: '%msg%'\n\
         escaped msg: '%msg:::drop-cc%'\n\
         inputname: %inputname% rawmsg: '%rawmsg%'\n\
         $!:%$!%\n\
         $.:%$.%\n\
         $/:%$/%\n\n",
    ),
    (
        "RSYSLOG_SyslogProtocol23Format",
        Plain,
        concat!(
            "<%pri%>1 %timestamp:::date-rfc3339% %hostname% %app-name% %procid% ",
            "%msgid% %structured-data% %msg%\n"
        ),
    ),
    (
        "RSYSLOG_SyslogRFC5424Format",
        Plain,
        concat!(
            "<%pri%>1 %timestamp:::date-rfc3339% %hostname% %app-name% %procid% ",
            "%msgid% %structured-data% %msg%"
        ),
    ),
    (
        "RSYSLOG_FileFormat",
        Plain,
        "%timestamp:::date-rfc3339% %hostname% %syslogtag%%msg:::sp-if-no-1st-sp%%msg%\n",
    ),
    (
        "RSYSLOG_TraditionalFileFormat",
        Plain,
        "%timestamp:::date-rfc3164% %hostname% %syslogtag%%msg:::sp-if-no-1st-sp%%msg%\n",
    ),
    (
        "RSYSLOG_SysklogdFileFormat",
        Plain,
        "%timestamp:::date-rfc3164% %hostname% %syslogtag%%msg:::sp-if-no-1st-sp%%msg%\n",
    ),
    (
        "RSYSLOG_ForwardFormat",
        Plain,
        "<%pri%>%timestamp:::date-rfc3339% %hostname% %syslogtag:1:32%%msg:::sp-if-no-1st-sp%%msg%",
    ),
    (
        "RSYSLOG_TraditionalForwardFormat",
        Plain,
        "<%pri%>%timestamp:::date-rfc3164% %hostname% %syslogtag:1:32%%msg:::sp-if-no-1st-sp%%msg%",
    ),
    (
        " WallFmt",
        Plain,
        "\r\n\x07Message from syslogd@%hostname% at %timegenerated% ...\r\n %syslogtag%%msg%\n\r",
    ),
    (" StdUsrMsgFmt", Plain, " %syslogtag%%msg%\n\r"),
    (
        " StdDBFmt",
        Sql,
        "insert into SystemEvents (Message, Facility, FromHost, Priority, DeviceReportedTime, ReceivedAt, InfoUnitID, SysLogTag) \
         values ('%msg%', %syslogfacility%, '%hostname%', %syslogpriority%, '%timereported:::date-mysql%', \
         '%timegenerated:::date-mysql%', %iut%, '%syslogtag%')",
    ),
    (
        " StdPgSQLFmt",
        StdSql,
        "insert into SystemEvents (Message, Facility, FromHost, Priority, DeviceReportedTime, ReceivedAt, InfoUnitID, SysLogTag) \
         values ('%msg%', %syslogfacility%, '%hostname%', %syslogpriority%, '%timereported:::date-pgsql%', \
         '%timegenerated:::date-pgsql%', %iut%, '%syslogtag%')",
    ),
    (
        " StdClickHouseFmt",
        StdSql,
        "INSERT INTO rsyslog.SystemEvents (severity, facility, timestamp, hostname, tag, message) \
         VALUES (%syslogseverity%, %syslogfacility%, '%timereported:::date-unixtimestamp%', '%hostname%', '%syslogtag%', '%msg%')",
    ),
    (
        " StdJSONFmt",
        Plain,
        "{\"message\":\"%msg:::json%\",\"fromhost\":\"%hostname:::json%\",\"facility\":\"%syslogfacility-text%\",\
         \"priority\":\"%syslogpriority-text%\",\"timereported\":\"%timereported:::date-rfc3339%\",\
         \"timegenerated\":\"%timegenerated:::date-rfc3339%\"}",
    ),
    (
        " FullJSONFmt",
        Plain,
        "{\"message\":\"%msg:::json%\",\"fromhost\":\"%hostname:::json%\",\"programname\":\"%programname:::json%\",\
         \"procid\":\"%procid:::json%\",\"msgid\":\"%msgid:::json%\",\"facility\":\"%syslogfacility-text%\",\
         \"priority\":\"%syslogpriority-text%\",\"timereported\":\"%timereported:::date-rfc3339%\",\
         \"timegenerated\":\"%timegenerated:::date-rfc3339%\"}",
    ),
    ("RSYSLOG_omudpspoofDfltSourceTpl", Plain, "%fromhost-ip%"),
    (" StdOmSenderTrack-senderid", Plain, "%fromhost-ip%"),
    ("RSYSLOG_PerSourceKey", Plain, "%hostname%"),
];
