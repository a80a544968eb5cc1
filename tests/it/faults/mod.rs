//! Faults of targets, of processes and of producers, one file each; the numbers are those of the
//! table of faults.

mod batches;
mod certificates;
mod crashes;
mod forbidden;
mod header_vectors;
mod names;
mod odd_json;
mod proxies;
mod starts;
mod targets;
