//! The event record: nothing in it is decided by the writer.

use super::Refused;
use super::input::{Input, put_varint, varint_len};
use super::record::{self, EVENT, HEAD_LEN};
use super::stored_len;
use crate::log::event::{Cause, NewEvent, StoredEvent};
use crate::log::ids::{DedupKey, RouteId};
use bytes::{BufMut, Bytes};

/// Bytes between the extensions and the route ids.
const FIXED_LEN: usize = 56;

/// An event record in the buffer it was read into.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct EventView<'a> {
    /// See [`NewEvent::key`].
    pub(crate) key: DedupKey,
    /// See [`NewEvent::generation`].
    pub(crate) generation: u64,
    /// See [`NewEvent::hops`].
    pub(crate) hops: u8,
    /// See [`NewEvent::cause`].
    pub(crate) cause: Option<Cause>,
    /// See [`NewEvent::routes`].
    pub(crate) routes: Vec<RouteId>,
    /// See [`NewEvent::attributes`].
    pub(crate) attributes: &'a [u8],
    /// See [`NewEvent::data`].
    pub(crate) data: &'a [u8],
}

/// Bytes of the record of `event`, padding not included.
pub(crate) fn encoded_len(routes: &[RouteId], attributes: &Bytes, data: &Bytes) -> usize {
    let routes: usize = deltas(routes).map(varint_len).sum();
    HEAD_LEN + FIXED_LEN + routes + attributes.len() + data.len()
}

/// Bytes of the record of an event that has no sequence yet.
pub(crate) fn new_event_len(event: &NewEvent) -> usize {
    encoded_len(&event.routes, &event.attributes, &event.data)
}

/// Writes the record of `event`, `len` bytes as [`encoded_len`] says.
pub(crate) fn encode(event: &StoredEvent, len: usize, mut out: &mut [u8]) {
    let out = &mut out;
    record::put_head(out, EVENT, len);
    let cause = event.cause.unwrap_or(Cause {
        route: RouteId(0),
        sequence: 0,
    });
    out.put_u64_le(event.generation);
    out.put_u64_le(cause.route.0);
    out.put_u64_le(cause.sequence);
    out.put_u128_le(event.key.0);
    out.put_u8(event.hops);
    out.put_u8(u8::from(event.cause.is_some()));
    out.put_u16_le(0); // reserved
    out.put_u32_le(stored_len(event.routes.len()));
    out.put_u32_le(stored_len(event.attributes.len()));
    out.put_u32_le(stored_len(event.data.len()));
    deltas(&event.routes).for_each(|delta| put_varint(out, delta));
    out.put_slice(&event.attributes);
    out.put_slice(&event.data);
}

/// Reads an event record whose checksum has been verified.
pub(crate) fn decode(bytes: &[u8]) -> Result<EventView<'_>, Refused> {
    let mut input = record::open(bytes, EVENT)?;
    fields(&mut input).ok_or(Refused::Malformed("event record"))
}

fn fields<'a>(input: &mut Input<'a>) -> Option<EventView<'a>> {
    let generation = input.u64()?;
    let cause = Cause {
        route: RouteId(input.u64()?),
        sequence: input.u64()?,
    };
    let key = DedupKey(input.u128()?);
    let hops = input.u8()?;
    let cause = match (input.u8()?, cause) {
        (1, cause) => Some(cause),
        (
            0,
            Cause {
                route: RouteId(0),
                sequence: 0,
            },
        ) => None,
        _ => return None,
    };
    if input.u16()? != 0 {
        return None;
    }
    let (route_count, attributes_len, data_len) = (input.len()?, input.len()?, input.len()?);
    let routes = routes(input, route_count)?;
    let attributes = input.take(attributes_len)?;
    let data = input.take(data_len)?;
    input.rest().is_empty().then_some(EventView {
        key,
        generation,
        hops,
        cause,
        routes,
        attributes,
        data,
    })
}

fn routes(input: &mut Input<'_>, count: usize) -> Option<Vec<RouteId>> {
    // Every id takes a byte at least: a forged count allocates no more than the record's size.
    if count > input.rest().len() {
        return None;
    }
    let mut routes = Vec::with_capacity(count);
    let mut last = 0_u64;
    for _ in 0..count {
        let delta = input.varint().filter(|delta| *delta > 0)?;
        last = last.checked_add(delta)?;
        routes.push(RouteId(last));
    }
    Some(routes)
}

/// The route ids as ascending differences, the first from 0.
fn deltas(routes: &[RouteId]) -> impl Iterator<Item = u64> {
    let mut last = 0;
    routes.iter().map(move |route| {
        let delta = route.0.wrapping_sub(last);
        last = route.0;
        delta
    })
}

impl EventView<'_> {
    /// The event as readers get it, sharing `buffer`, which this view borrows from.
    pub(crate) fn stored(self, buffer: &Bytes, sequence: u64, time_ms: i64) -> StoredEvent {
        StoredEvent {
            sequence,
            time_ms,
            key: self.key,
            generation: self.generation,
            hops: self.hops,
            cause: self.cause,
            routes: self.routes,
            attributes: buffer.slice_ref(self.attributes),
            data: buffer.slice_ref(self.data),
        }
    }
}
