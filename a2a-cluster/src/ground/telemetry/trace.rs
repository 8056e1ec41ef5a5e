//! One trace across instances: a W3C `traceparent`, from a request to what it causes.

use std::fmt;

use a2a_core::Env;
use a2a_server::ServiceParams;
use tokio::task::futures::TaskLocalFuture;
use tracing::Instrument;
use tracing::instrument::Instrumented;

const PARAM: &str = "traceparent";
/// Version, trace id, parent id and flags, with a dash between.
const LENGTH: usize = 55;

tokio::task_local! {
    static CURRENT: Option<Trace>;
}

/// A place in a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Trace {
    trace_id: u128,
    /// What went before this in the trace; of a trace that was just read, nothing.
    parent: u64,
    span_id: u64,
    flags: u8,
}

impl Trace {
    /// Reads the header of the request that a client sent, if it is there once and well-formed.
    pub(crate) fn of_request(params: &ServiceParams) -> Option<Self> {
        match params.get(PARAM)?.as_slice() {
            [header] => Trace::parse(header),
            _ => None,
        }
    }

    /// Reads a header as section 3.2 of the recommendation has it. A later version may be longer.
    pub(crate) fn parse(header: &str) -> Option<Self> {
        let version = hex(header.get(..2)?)?;
        let fits = match version {
            0xff => false,
            0 => header.len() == LENGTH,
            _ => header.len() == LENGTH || header.as_bytes().get(LENGTH) == Some(&b'-'),
        };
        let dashes = [2, 35, 52].iter().all(|at| header.as_bytes().get(*at) == Some(&b'-'));
        if !fits || !dashes {
            return None;
        }
        let trace_id = hex(header.get(3..35)?)?;
        let span_id = u64::try_from(hex(header.get(36..52)?)?).ok()?;
        let flags = u8::try_from(hex(header.get(53..LENGTH)?)?).ok()?;
        (trace_id != 0 && span_id != 0).then_some(Trace { trace_id, parent: 0, span_id, flags })
    }

    /// A step within this one.
    pub(crate) fn child(self, env: &dyn Env) -> Self {
        // The lower half of an id is its random half; its variant bits keep it from being zero.
        let (_, span_id) = env.uuid().as_u64_pair();
        Trace { parent: self.span_id, span_id, ..self }
    }

    pub(crate) fn trace_id(&self) -> impl fmt::Display + use<> {
        Hex::<32>(self.trace_id)
    }

    pub(crate) fn span_id(&self) -> impl fmt::Display + use<> {
        Hex::<16>(self.span_id.into())
    }

    pub(crate) fn flags(&self) -> impl fmt::Display + use<> {
        Hex::<2>(self.flags.into())
    }

    pub(crate) fn parent_span_id(&self) -> impl fmt::Display + use<> {
        Hex::<16>(self.parent.into())
    }
}

/// Writes the header for others to read.
impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{:02x}", self.trace_id(), self.span_id(), self.flags)
    }
}

struct Hex<const DIGITS: usize>(u128);

impl<const DIGITS: usize> fmt::Display for Hex<DIGITS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0DIGITS$x}", self.0)
    }
}

/// The trace that the running task belongs to.
pub(crate) fn current() -> Option<Trace> {
    CURRENT.try_with(|trace| *trace).ok().flatten()
}

/// The header of a message that the running task sends now.
pub(crate) fn header(env: &dyn Env) -> Option<String> {
    current().map(|trace| trace.child(env).to_string())
}

/// Does some work as a part of a trace, or of none.
pub(crate) fn within<F: Future>(trace: Option<Trace>, work: F) -> TaskLocalFuture<Option<Trace>, F> {
    CURRENT.scope(trace, work)
}

/// Lets some work that is about to be spawned belong to what the running task belongs to.
pub(crate) fn carried<F: Future>(work: F) -> Instrumented<TaskLocalFuture<Option<Trace>, F>> {
    within(current(), work).in_current_span()
}

/// Does some work that does not wait as a part of a trace.
pub(crate) fn within_now<T>(trace: Option<Trace>, work: impl FnOnce() -> T) -> T {
    CURRENT.sync_scope(trace, work)
}

/// Reads lower-case hexadecimal digits, and nothing else.
fn hex(digits: &str) -> Option<u128> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if digits.bytes().all(is_digit) { u128::from_str_radix(digits, 16).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use a2a_core::SystemEnv;

    use super::*;

    const HEADER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_header_reads_back_as_it_was_written() {
        assert_eq!(Trace::parse(HEADER).unwrap().to_string(), HEADER);
    }

    #[test]
    fn a_child_keeps_the_trace_and_the_flags_and_names_its_parent() {
        let parent = Trace::parse(HEADER).unwrap();
        let child = parent.child(&SystemEnv);
        assert_eq!(child.parent_span_id().to_string(), "00f067aa0ba902b7");
        assert_ne!(child.span_id, parent.span_id);
        let text = child.to_string();
        assert!(text.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-") && text.ends_with("-01"), "{text}");
        assert_eq!(Trace::parse(&text).map(|read| read.span_id), Some(child.span_id));
    }

    #[test]
    fn headers_of_another_shape_are_no_headers() {
        let later = HEADER.replacen("00-", "cc-", 1);
        assert!(Trace::parse(&later).is_some());
        assert!(Trace::parse(&format!("{later}-more")).is_some());
        for bad in [
            String::new(),
            "00".to_owned(),
            HEADER.to_uppercase(),
            format!("{HEADER}-more"),
            format!("{HEADER} "),
            format!("{later}more"),
            HEADER.replacen("00-", "ff-", 1),
            HEADER.replace("4bf9", "+bf9"),
            HEADER.replace("4bf9", "é9f"),
            HEADER.replace("-01", "-0g"),
            HEADER.replace("-01", "_01"),
            format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
            format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{}-01", "0".repeat(16)),
        ] {
            assert_eq!(Trace::parse(&bad), None, "{bad:?}");
        }
    }

    #[test]
    fn two_headers_are_none() {
        let params = |headers: &[&str]| {
            ServiceParams::from([(PARAM.to_owned(), headers.iter().map(|h| (*h).to_owned()).collect())])
        };
        assert!(Trace::of_request(&params(&[HEADER])).is_some());
        assert_eq!(Trace::of_request(&params(&[HEADER, HEADER])), None);
        assert_eq!(Trace::of_request(&params(&[])), None);
        assert_eq!(Trace::of_request(&ServiceParams::new()), None);
    }
}
