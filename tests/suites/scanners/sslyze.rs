//! sslyze's JSON, and its comparison with Mozilla's "intermediate" profile.

use crate::{no_weakness, scan, weak_server};
use serde_json::{Value, json};
use std::process::Command;
use std::time::Duration;
use sysloom_tests::{Dir, Peer};

/// Checks, their result's field, and the value that is no weakness.
const RULES: [(&str, &str, &[&str]); 13] = [
    ("ssl_2_0_cipher_suites", "is_tls_version_supported", &["false"]),
    ("ssl_3_0_cipher_suites", "is_tls_version_supported", &["false"]),
    ("tls_1_0_cipher_suites", "is_tls_version_supported", &["false"]),
    ("tls_1_1_cipher_suites", "is_tls_version_supported", &["false"]),
    ("tls_1_2_cipher_suites", "is_tls_version_supported", &["true"]),
    ("tls_1_3_cipher_suites", "is_tls_version_supported", &["true"]),
    ("tls_compression", "supports_compression", &["false"]),
    ("tls_1_3_early_data", "supports_early_data", &["false"]),
    ("openssl_ccs_injection", "is_vulnerable_to_ccs_injection", &["false"]),
    ("heartbleed", "is_vulnerable_to_heartbleed", &["false"]),
    ("robot", "robot_result", &["\"NOT_VULNERABLE_RSA_NOT_SUPPORTED\"", "\"NOT_VULNERABLE_NO_ORACLE\""]),
    ("session_renegotiation", "is_vulnerable_to_client_renegotiation_dos", &["false"]),
    ("tls_extended_master_secret", "supports_ems_extension", &["true"]),
];

/// What the profile wants and a syslog listener need not have.
const NO_WEAKNESS: [(&str, &str); 3] = [
    ("certificate_path_validation", "the test's authority is in no public store"),
    ("maximum_certificate_lifespan", "the test's certificate has no end"),
    ("tls_curves", "X448, P-521 and hybrid groups are none of the profile's, and stronger than what it has"),
];

fn judge(dir: &Dir, port: u16) -> Vec<String> {
    let (file, said) = (dir.file("sslyze.json"), dir.file("sslyze.out"));
    let mut command = Command::new("sh");
    command.args(["-c", "exec sslyze \"$@\" >\"$0\" 2>&1"]).arg(&said);
    command.args(["--mozilla_config=intermediate", "--early_data", "--slow_connection"]);
    command.arg(format!("--json_out={}", file.display())).arg(format!("localhost:{port}"));
    scan(&mut command, Duration::from_secs(120));
    let text = std::fs::read_to_string(&file).expect("sslyze writes its report");
    let report: Value = serde_json::from_str(&text).expect("it is JSON");
    let result = &report["server_scan_results"][0]["scan_result"];
    let mut weak = Vec::new();
    for (check, field, good) in RULES {
        let done = &result[check];
        let value = done["result"][field].to_string();
        if done["status"] != json!("COMPLETED") {
            weak.push(format!("{check} was not done: {done}"));
        } else if !good.contains(&value.as_str()) {
            weak.push(format!("{check}: {value}"));
        }
    }
    for check in ["tls_1_2_cipher_suites", "tls_1_3_cipher_suites"] {
        let suites = result[check]["result"]["accepted_cipher_suites"].as_array().expect("a list");
        assert!(!suites.is_empty(), "{result}");
        for suite in suites {
            let (own, share) = (&suite["cipher_suite"], &suite["ephemeral_key"]);
            let name = own["name"].as_str().expect("a name");
            let sealed = name.contains("_GCM_") || name.contains("_POLY1305_");
            let secret = own["key_size"].as_u64() >= Some(128) && own["is_anonymous"] == json!(false);
            if !sealed || !secret || !share.is_object() {
                weak.push(name.to_owned());
            }
        }
    }
    let said = std::fs::read_to_string(said).expect("it was run");
    let (_, profile) = said.split_once("COMPLIANCE AGAINST").unwrap_or_else(|| panic!("{said}"));
    if profile.contains(": ERROR") {
        weak.push(profile.to_owned());
    }
    for line in profile.lines().filter_map(|line| line.trim().strip_prefix("* ")) {
        if !NO_WEAKNESS.iter().any(|(check, _)| line.starts_with(check)) {
            weak.push(line.to_owned());
        }
    }
    weak
}

#[test]
fn sslyze_reports_no_weakness() {
    if Peer::wanted("sslyze") {
        no_weakness(&[false, true], judge);
    }
}

#[test]
fn sslyze_reports_a_weak_server() {
    if Peer::wanted("sslyze") && Peer::wanted("openssl") {
        let (dir, _peer, port) = weak_server();
        let found = judge(&dir, port);
        for word in ["tls_1_0_cipher_suites: true", "_CBC_SHA", "_anon_", "_NULL_"] {
            assert!(found.iter().any(|e| e.contains(word)), "{word}: {found:#?}");
        }
    }
}
