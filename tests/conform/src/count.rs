//! What a process holds: descriptors and heap.

/// Open descriptors of this process.
pub fn descriptors() -> Result<usize, String> {
    let entries = std::fs::read_dir("/proc/self/fd").map_err(|e| format!("/proc/self/fd: {e}"))?;
    // The one that reads the directory is not counted.
    Ok(entries.count().saturating_sub(1))
}

/// Bytes of the heap in use.
pub fn heap() -> Result<usize, String> {
    sysloom_engine::plugin::probe::heap_in_use()
        .ok_or_else(|| "this C library does not tell its heap".to_owned())
}

/// Runs `round` often and tells what a round leaves behind: (bytes of heap, descriptors). The first rounds fill what
/// is kept for ever, and of up to six stretches the one that leaves least counts.
pub fn left_behind(
    rounds: usize,
    mut round: impl FnMut() -> Result<(), String>,
) -> Result<(usize, usize), String> {
    for _ in 0..rounds {
        round()?;
    }
    let mut least = (usize::MAX, usize::MAX);
    for _ in 0..6 {
        let before = (heap()?, descriptors()?);
        for _ in 0..rounds {
            round()?;
        }
        let after = (heap()?, descriptors()?);
        least.0 = least.0.min(after.0.saturating_sub(before.0) / rounds);
        least.1 = least.1.min(after.1.saturating_sub(before.1));
        if least == (0, 0) {
            break;
        }
    }
    Ok(least)
}
