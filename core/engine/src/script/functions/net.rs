//! Functions on IP addresses.

use crate::script::value::Value;
use std::net::IpAddr;

/// `num2ipv4(n)`, `-1` for what is no address.
pub fn num2ipv4(value: &Value<'_>) -> Vec<u8> {
    let (n, clean) = value.number();
    match u32::try_from(n) {
        Ok(n) if clean => std::net::Ipv4Addr::from(n).to_string().into_bytes(),
        _ => b"-1".to_vec(),
    }
}

/// `ip42num(text)`; blanks around the address are allowed.
// rsyslog: an octet may be any number, and the sum has 32 bits.
pub fn ip42num(text: &[u8]) -> i64 {
    let text = super::text::rtrim(super::text::ltrim(text));
    let mut parts = 0;
    let mut sum = 0i64;
    for part in text.split(|b| *b == b'.') {
        if part.is_empty() || part.len() > 3 || !part.iter().all(u8::is_ascii_digit) {
            return -1;
        }
        let octet = part.iter().fold(0, |n, d| n * 10 + i64::from(d - b'0'));
        sum = (sum * 256 + octet) & 0xffff_ffff;
        parts += 1;
        if parts > 4 {
            return -1;
        }
    }
    if parts == 4 { sum } else { -1 }
}

/// `is_in_subnet(address, "net/bits")`
pub fn is_in_subnet(address: &[u8], net: &[u8]) -> bool {
    let within = || {
        let address: IpAddr = std::str::from_utf8(address).ok()?.parse().ok()?;
        let (base, bits) = std::str::from_utf8(net).ok()?.split_once('/')?;
        let base: IpAddr = base.parse().ok()?;
        let bits: u32 = bits.parse().ok()?;
        match (address, base) {
            (IpAddr::V4(a), IpAddr::V4(b)) if bits <= 32 => {
                let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
                Some(a.to_bits() & mask == b.to_bits() & mask)
            }
            (IpAddr::V6(a), IpAddr::V6(b)) if bits <= 128 => {
                let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
                Some(a.to_bits() & mask == b.to_bits() & mask)
            }
            _ => None,
        }
    };
    within().unwrap_or(false)
}
