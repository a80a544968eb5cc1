//! Sorted tables in a file, in pages that each carry a checksum.

use super::entry::Entry;
use crate::log::files::File;
use crate::log::format::input::Input;
use bytes::BufMut as _;
use std::io;
use std::marker::PhantomData;
use std::sync::Arc;

/// Bytes of a page: rows, zeros, and in the last four the CRC32C of the rest.
pub(crate) const PAGE_LEN: usize = 4096;
const PAYLOAD_LEN: usize = PAGE_LEN - 4;
/// Bytes gathered before they are written.
const WRITE_LEN: usize = 64 * PAGE_LEN;

/// Why an index cannot be used. It is derived: [`Damaged`](Self::Damaged) is mended by building it again.
#[derive(Debug)]
pub(crate) enum BadIndex {
    /// The disk says no.
    Io(io::Error),
    /// What was read is not what was written.
    Damaged,
}

impl From<io::Error> for BadIndex {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Where a table is in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Section {
    /// First byte; a multiple of the page length.
    pub(crate) offset: u64,
    /// Rows.
    pub(crate) count: u64,
}

/// Writes tables one behind the other.
pub(crate) struct TableWriter<'f> {
    file: &'f dyn File,
    /// Where the buffer will go.
    offset: u64,
    buffer: Vec<u8>,
}

impl<'f> TableWriter<'f> {
    /// Starts at the beginning of an empty file.
    pub(crate) fn new(file: &'f dyn File) -> Self {
        Self {
            file,
            offset: 0,
            buffer: Vec::with_capacity(WRITE_LEN),
        }
    }

    /// Where the next page goes.
    pub(crate) fn end(&self) -> u64 {
        self.offset + self.buffer.len() as u64
    }

    /// Writes a table of rows, which come ascending.
    pub(crate) fn table<E: Entry>(&mut self, rows: impl Iterator<Item = E>) -> io::Result<Section> {
        let offset = self.end();
        let mut count = 0;
        let mut page = Vec::with_capacity(PAGE_LEN);
        for row in rows {
            if page.len() + E::LEN > PAYLOAD_LEN {
                self.page(&mut page)?;
            }
            row.put(&mut page);
            count += 1;
        }
        if !page.is_empty() {
            self.page(&mut page)?;
        }
        Ok(Section { offset, count })
    }

    /// Writes one page, at most a page's payload long, and empties it.
    pub(crate) fn page(&mut self, page: &mut Vec<u8>) -> io::Result<()> {
        page.resize(PAYLOAD_LEN, 0);
        let crc = crc32c::crc32c(page);
        page.put_u32_le(crc);
        self.buffer.append(page);
        if self.buffer.len() >= WRITE_LEN {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes what is left, not yet durable.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.file.write_at(&self.buffer, self.offset)?;
        self.offset += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

/// Reads the payload of the page at `offset` and verifies it.
pub(crate) fn read_page(file: &dyn File, offset: u64) -> Result<Vec<u8>, BadIndex> {
    let mut page = vec![0; PAGE_LEN];
    if file.read_at(&mut page, offset)? < PAGE_LEN {
        return Err(BadIndex::Damaged);
    }
    let crc = page.split_off(PAYLOAD_LEN);
    if Input::new(&crc).u32() == Some(crc32c::crc32c(&page)) {
        Ok(page)
    } else {
        Err(BadIndex::Damaged)
    }
}

/// A table on disk. Every call reads; each page read is verified.
pub(crate) struct Table<E> {
    file: Arc<dyn File>,
    section: Section,
    rows: PhantomData<E>,
}

impl<E: Entry> Table<E> {
    const PER_PAGE: u64 = (PAYLOAD_LEN / E::LEN) as u64;

    /// The table at `section` of `file`.
    pub(crate) fn new(file: Arc<dyn File>, section: Section) -> Self {
        Self {
            file,
            section,
            rows: PhantomData,
        }
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> u64 {
        self.section.count
    }

    /// How many rows `is_before` holds for; it must hold for the first ones and no others.
    ///
    /// Halves over the pages: about as many small reads as the number of pages has bits.
    pub(crate) fn count_before(&self, is_before: impl Fn(&E) -> bool) -> Result<u64, BadIndex> {
        let (mut low, mut high) = (0, self.len().div_ceil(Self::PER_PAGE));
        // The page before `low` begins before the bound, the page at `high` does not.
        while low < high {
            let middle = low + (high - low) / 2;
            let page = self.page(middle)?;
            match page.first() {
                Some(first) if is_before(first) => {
                    if page.last().is_some_and(|last| !is_before(last)) {
                        return Ok(middle * Self::PER_PAGE + page.partition_point(&is_before) as u64);
                    }
                    low = middle + 1;
                }
                _ => high = middle,
            }
        }
        Ok((low * Self::PER_PAGE).min(self.len()))
    }

    /// Up to `n` rows from the row `rank` on.
    pub(crate) fn read(&self, rank: u64, n: usize) -> Result<Vec<E>, BadIndex> {
        let mut rows = Vec::new();
        let mut at = rank;
        while rows.len() < n && at < self.len() {
            let page = self.page(at / Self::PER_PAGE)?;
            let skip = usize::try_from(at % Self::PER_PAGE).unwrap_or(usize::MAX);
            let wanted = page.iter().skip(skip).take(n - rows.len());
            let before = rows.len();
            rows.extend(wanted.copied());
            at += (rows.len() - before) as u64;
            if rows.len() == before {
                return Err(BadIndex::Damaged);
            }
        }
        Ok(rows)
    }

    /// The rows of a page.
    fn page(&self, index: u64) -> Result<Vec<E>, BadIndex> {
        let payload = read_page(&*self.file, self.section.offset + index * PAGE_LEN as u64)?;
        let left = self.len().saturating_sub(index * Self::PER_PAGE);
        let mut input = Input::new(&payload);
        (0..left.min(Self::PER_PAGE))
            .map(|_| E::take(&mut input).ok_or(BadIndex::Damaged))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::files::Files as _;
    use crate::log::files::simulated::Simulated;
    use crate::log::ids::RouteId;
    use crate::log::index::entry::RouteEvent;

    #[test]
    fn a_table_answers_as_the_rows_it_was_written_from() {
        for count in [0_u64, 1, 254, 255, 256, 511, 2_000] {
            let file = Simulated::default().create("/t".as_ref()).unwrap();
            let row = |n: u64| RouteEvent {
                route: RouteId(n / 10),
                sequence: n * 2,
            };
            let mut writer = TableWriter::new(&*file);
            let section = writer.table((0..count).map(row)).unwrap();
            writer.flush().unwrap();
            let table = Table::<RouteEvent>::new(Arc::clone(&file), section);
            for n in (0..count).step_by(7).chain([count]) {
                assert_eq!(table.count_before(|entry| *entry < row(n)).unwrap(), n, "{count}");
                let read = table.read(n, 300).unwrap();
                assert!(
                    read.iter().copied().eq((n..count.min(n + 300)).map(row)),
                    "{count} {n}"
                );
            }
        }
    }

    #[test]
    fn a_damaged_page_is_noticed() {
        let file = Simulated::default().create("/t".as_ref()).unwrap();
        let mut writer = TableWriter::new(&*file);
        let rows = (0..1_000).map(|sequence| RouteEvent {
            route: RouteId(1),
            sequence,
        });
        let section = writer.table(rows).unwrap();
        writer.flush().unwrap();
        file.write_at(b"x", 5_000).unwrap();
        let table = Table::<RouteEvent>::new(file, section);
        assert!(matches!(table.read(0, 1_000), Err(BadIndex::Damaged)));
        assert_eq!(table.read(0, 100).unwrap().len(), 100);
    }
}
