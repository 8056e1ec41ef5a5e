//! Any bytes at all, as a message.
#![no_main]

#[path = "../property.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = property::check(bytes);
});
