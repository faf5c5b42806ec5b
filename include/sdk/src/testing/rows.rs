//! Records for an output under test.

use super::TestHost;
use crate::Records;
use sysloom_abi as abi;

/// The records of one commit, owned.
pub struct Rows {
    block: Vec<u8>,
    cells: Vec<abi::Span>,
    messages: Vec<u64>,
    columns: u32,
}

impl Rows {
    /// Rows of one column.
    pub fn new<R: AsRef<[u8]>>(rows: impl IntoIterator<Item = R>) -> Self {
        Self::of(1, rows)
    }

    /// Rows of several columns, given cell by cell.
    pub fn of<C: AsRef<[u8]>>(columns: u32, cells: impl IntoIterator<Item = C>) -> Self {
        let mut rows = Self { block: Vec::new(), cells: Vec::new(), messages: Vec::new(), columns };
        for cell in cells {
            let (off, len) = (rows.block.len() as u32, cell.as_ref().len() as u32);
            rows.block.extend_from_slice(cell.as_ref());
            rows.cells.push(abi::Span { off, len });
        }
        rows.messages = (0..rows.cells.len() as u64 / u64::from(columns.max(1))).collect();
        rows
    }

    /// Lends them to a commit.
    pub fn lend<R>(&self, host: &TestHost, commit: impl FnOnce(&Records<'_>) -> R) -> R {
        let raw = abi::Records {
            size: size_of::<abi::Records>() as u32,
            n_cols: self.columns,
            n_rows: self.messages.len(),
            block: abi::Bytes { ptr: self.block.as_ptr(), len: self.block.len() },
            cells: self.cells.as_ptr(),
            messages: self.messages.as_ptr(),
        };
        commit(&Records { raw: &raw, host: host.host() })
    }
}
