//! The table of verdicts, row by row.

use super::super::fingerprint::{Fingerprint, Hash};
use super::super::{Accepted, PeerView, PermitExpired, Policy, PolicySettings, Refusal, Revocation};
use super::fixtures::{FIXTURES, NOW};

#[test]
fn every_row_of_the_table_holds() {
    let mut failures = Vec::new();
    let mut judged = 0;
    for (number, line) in TABLE.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let row = Row::read(line).unwrap_or_else(|| panic!("line {}: {line}", number + 1));
        for server in row.sides() {
            judged += 1;
            let verdict = row.judge(server);
            if let Err(why) = row.compare(&verdict) {
                let side = if server { "server" } else { "client" };
                failures.push(format!("line {} as {side}: {line}\n    {why}", number + 1));
            }
        }
    }
    assert!(failures.is_empty(), "{} of {judged}:\n{}", failures.len(), failures.join("\n"));
    assert!(judged >= 300, "only {judged} verdicts");
}

/// A row of the table.
struct Row<'a> {
    side: &'a str,
    chain: &'a str,
    mode: &'a str,
    peers: &'a str,
    host: &'a str,
    options: &'a str,
    verdict: &'a str,
}

impl<'a> Row<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [side, chain, mode, peers, host, options, verdict, source] = cells.try_into().ok()?;
        (!source.is_empty()).then_some(Self { side, chain, mode, peers, host, options, verdict })
    }

    fn sides(&self) -> Vec<bool> {
        match self.side {
            "C" => vec![false],
            "S" => vec![true],
            "B" => vec![false, true],
            other => panic!("side {other}"),
        }
    }

    fn judge(&self, server: bool) -> Result<Accepted, Refusal> {
        let option = |key: &str| {
            self.options.split_whitespace().find_map(|word| match word.split_once('=') {
                Some((name, value)) if name == key => Some(value),
                None if word == key => Some(""),
                _ => None,
            })
        };
        let chain: Vec<&[u8]> = FIXTURES.chain(self.chain).iter().map(Vec::as_slice).collect();
        let peers: Vec<String> = match self.peers {
            "" => Vec::new(),
            peers => vec![with_fingerprints(peers, chain.first().copied().unwrap_or_default())],
        };
        let files: Vec<&str> =
            option("ca").unwrap_or("root").split('+').filter(|name| *name != "-").collect();
        let files: Vec<String> = files.into_iter().map(|name| FIXTURES.file(name)).collect();
        let extra = files.get(1..).map(|extra| extra.join(","));
        let crl = option("crl").map(|name| FIXTURES.file(name));
        let settings = PolicySettings {
            auth_mode: Some(self.mode).filter(|mode| *mode != "-"),
            permitted_peers: &peers,
            ca_file: files.first().map(String::as_str),
            ca_extra_files: extra.as_deref(),
            crl_file: crl.as_deref(),
            permit_expired: match option("expired") {
                None => PermitExpired::Off,
                Some("on") => PermitExpired::On,
                Some("warn") => PermitExpired::Warn,
                Some(other) => panic!("expired={other}"),
            },
            revocation: Revocation::Off,
            check_eku: option("eku").is_some(),
            prioritize_san: option("san").is_some(),
            verify_depth: option("depth").map(|depth| depth.parse().unwrap()),
            server,
            connect_host: None,
        };
        let policy = Policy::new(&settings).unwrap_or_else(|why| panic!("{}: {why}", self.options));
        let host = Some(self.host).filter(|host| !host.is_empty());
        policy.judge(
            &PeerView { chain: &chain, host, resumed: option("resumed").is_some(), ..PeerView::default() },
            NOW,
        )
    }

    fn compare(&self, verdict: &Result<Accepted, Refusal>) -> Result<(), String> {
        let (wanted, words) = self.verdict.split_once(": ").unwrap_or((self.verdict, ""));
        match verdict {
            Ok(accepted) => {
                let name = accepted.name.clone().unwrap_or_default();
                let good = match words.strip_prefix("! ") {
                    Some(warning) => accepted.warnings.iter().any(|text| text.contains(warning)),
                    None => accepted.warnings.is_empty() && name == words,
                };
                if wanted == "ok" && good { Ok(()) } else { Err(format!("accepted: {accepted:?}")) }
            }
            Err(refusal) => {
                let good =
                    wanted == refusal.alert.to_string() && refusal.text.contains(words) && !words.is_empty();
                if !good {
                    return Err(format!("refused: {} {}", refusal.alert, refusal.text));
                }
                if refusal.text.chars().any(char::is_control) || refusal.text.len() > 2000 {
                    return Err(format!("a text that is no line: {:?}", refusal.text));
                }
                Ok(())
            }
        }
    }
}

/// `{SHA1}` is the certificate's fingerprint with that label, `{SHA1/lower}` the same in lower-case digits.
fn with_fingerprints(peers: &str, der: &[u8]) -> String {
    let mut text = String::new();
    for (i, part) in peers.split(['{', '}']).enumerate() {
        if i % 2 == 0 {
            text.push_str(part);
            continue;
        }
        let (label, lower) = part.strip_suffix("/lower").map_or((part, false), |label| (label, true));
        let hash = match label.to_ascii_lowercase().replace('-', "").as_str() {
            "sha1" => Hash::Sha1,
            "sha256" => Hash::Sha256,
            "sha384" => Hash::Sha384,
            "sha512" => Hash::Sha512,
            other => panic!("hash {other}"),
        };
        let fingerprint = Fingerprint::of(hash, der).to_string();
        let (_, digits) = fingerprint.split_once(':').unwrap();
        let digits = if lower { digits.to_lowercase() } else { digits.to_owned() };
        text.push_str(&format!("{label}:{digits}"));
    }
    text
}

const TABLE: &str = include_str!("verdicts.txt");
