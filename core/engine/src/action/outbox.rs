//! The records of one action that a worker gathers while it runs a batch, and commits once at its end.

use crate::batch::Bulk;
use crate::plugin::Rows;
use crate::queue::Delay;
use sysloom_abi::Span;

/// Rendered records, back to back; reused for every batch.
#[derive(Default)]
pub struct Outbox {
    block: Vec<u8>,
    cells: Vec<Span>,
    messages: Vec<u64>,
    /// One for each record of an action with a queue.
    severities: Vec<u8>,
    /// How far the sender of the least patient record can be held back.
    delay: Option<Delay>,
    columns: usize,
}

impl Outbox {
    pub fn new(columns: usize) -> Self {
        Self { columns, ..Self::default() }
    }

    /// Sets the number of columns of an empty outbox.
    pub fn set_columns(&mut self, columns: usize) {
        self.columns = columns;
    }

    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The handles of the records' messages.
    pub fn handles(&self) -> &[u64] {
        &self.messages
    }

    /// Records held.
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Whether it should be committed before it grows on.
    pub fn is_large(&self) -> bool {
        self.block.len() >= LARGE
    }

    /// Adds the record of message `message`; `render` appends column after column to the block.
    pub fn add(&mut self, message: u64, mut render: impl FnMut(usize, &mut Vec<u8>)) {
        for column in 0..self.columns {
            let off = self.block.len();
            render(column, &mut self.block);
            self.cells.push(Span { off: off as u32, len: (self.block.len() - off) as u32 });
        }
        self.messages.push(message);
    }

    /// Notes the severity of the record that was added last.
    pub fn note_severity(&mut self, severity: u8) {
        self.severities.push(severity);
    }

    /// Notes how far the sender of a record can be held back.
    pub fn note_delay(&mut self, delay: Delay) {
        self.delay = Some(self.delay.map_or(delay, |other| other.less_patient(delay)));
    }

    /// What the records' senders allow; nothing that was noted holds nobody back.
    pub fn delay(&self) -> Delay {
        self.delay.unwrap_or(Delay::None)
    }

    /// The text of one cell.
    pub fn cell(&self, row: usize, column: usize) -> &[u8] {
        let Some(span) = self.cells.get(row * self.columns + column) else { return &[] };
        let off = span.off as usize;
        self.block.get(off..off + span.len as usize).unwrap_or_default()
    }

    /// Keeps only the rows that `keep` names, in order.
    pub fn retain(&mut self, mut keep: impl FnMut(usize) -> bool) {
        let mut rest = Self::new(self.columns);
        for row in (0..self.len()).filter(|row| keep(*row)) {
            rest.add(self.messages[row], |column, out| out.extend_from_slice(self.cell(row, column)));
            rest.severities.extend(self.severities.get(row));
        }
        rest.delay = self.delay;
        *self = rest;
    }

    /// The records as an output takes them.
    pub fn rows(&self) -> Rows<'_> {
        Rows { columns: self.columns, block: &self.block, cells: &self.cells, messages: &self.messages }
    }

    pub fn clear(&mut self) {
        self.block.clear();
        self.cells.clear();
        self.messages.clear();
        self.severities.clear();
        self.delay = None;
        if self.block.capacity() > 4 * LARGE {
            self.block.shrink_to(LARGE);
        }
    }
}

impl Bulk for Outbox {
    fn messages(&self) -> usize {
        self.len()
    }

    fn bytes(&self) -> usize {
        self.block.len()
    }

    fn keep(&mut self, keep: &mut dyn FnMut(u8) -> bool) {
        let kept: Vec<bool> =
            (0..self.len()).map(|row| keep(self.severities.get(row).copied().unwrap_or(0))).collect();
        if kept.contains(&false) {
            self.retain(|row| kept[row]);
        }
    }

    fn move_front(&mut self, n: usize, into: &mut Self) {
        let n = n.min(self.len());
        into.columns = self.columns;
        for row in 0..n {
            into.add(self.messages[row], |column, out| out.extend_from_slice(self.cell(row, column)));
        }
        into.severities.extend(self.severities.drain(..n.min(self.severities.len())));
        self.messages.drain(..n);
        let gone = self.cells.drain(..n * self.columns).next_back().map_or(0, |cell| cell.off + cell.len);
        // Outputs take the block for all of their records joined, so nothing else may stand in it.
        self.block.drain(..gone as usize);
        self.cells.iter_mut().for_each(|cell| cell.off -= gone);
    }

    fn is_heavy(&self) -> bool {
        self.is_large()
    }

    fn reset(&mut self) {
        self.clear();
    }
}

/// Bytes after which a commit is due even inside a batch: spans are 32 bits wide, and memory is finite.
const LARGE: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    /// Records of two columns.
    fn filled(rows: std::ops::Range<u64>) -> Outbox {
        let mut outbox = Outbox::new(2);
        for row in rows {
            outbox.add(row, |column, out| out.extend_from_slice(format!("{row}.{column} ").as_bytes()));
        }
        outbox
    }

    fn joined(outbox: &Outbox) -> (String, String) {
        let rows = outbox.rows();
        let cells = (0..outbox.len()).flat_map(|row| (0..2).map(move |column| (row, column)));
        let cells: Vec<u8> = cells.flat_map(|(row, column)| outbox.cell(row, column).to_vec()).collect();
        (String::from_utf8(rows.block.to_vec()).unwrap(), String::from_utf8(cells).unwrap())
    }

    #[test]
    fn the_block_is_the_records_joined_whatever_was_moved() {
        let (mut outbox, mut into) = (filled(0..5), filled(10..11));
        outbox.move_front(2, &mut into);
        let both = |text: &str| (text.to_owned(), text.to_owned());
        assert_eq!(joined(&into), both("10.0 10.1 0.0 0.1 1.0 1.1 "));
        assert_eq!(joined(&outbox), both("2.0 2.1 3.0 3.1 4.0 4.1 "));
        outbox.keep(&mut |_| true);
        outbox.retain(|row| row != 1);
        assert_eq!(joined(&outbox), both("2.0 2.1 4.0 4.1 "));
        outbox.move_front(9, &mut into);
        assert_eq!(joined(&outbox), both(""));
        assert_eq!(joined(&into), both("10.0 10.1 0.0 0.1 1.0 1.1 2.0 2.1 4.0 4.1 "));
    }
}
