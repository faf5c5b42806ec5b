//! What the conformance kit for drivers looks at, below the safe wrappers: the process's heap. With feature `probe`
//! only; the daemon has no use for it.

/// Bytes of the C library's heap that are in use, whichever library of the process took them.
pub fn heap_in_use() -> Option<usize> {
    #[cfg(target_env = "gnu")]
    {
        // SAFETY: it only reads the allocator's counters, under the allocator's own locks.
        let counters = unsafe { libc::mallinfo2() };
        Some(counters.uordblks + counters.hblkhd)
    }
    #[cfg(not(target_env = "gnu"))]
    None
}
