//! Who calls, in the words of W3C Trace Context.

/// The name of the header.
pub(crate) const HEADER: &str = "traceparent";

/// A span of another program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceParent {
    /// The trace that it is part of.
    pub trace: [u8; 16],
    /// The span.
    pub span: [u8; 8],
    /// Whether it is recorded.
    pub is_sampled: bool,
}

impl TraceParent {
    /// Reads a header: `00-TRACE-SPAN-FLAGS` in lower case hexadecimal. Later versions may append to it.
    pub(crate) fn parse(header: &str) -> Option<Self> {
        let mut parts = header.trim().splitn(5, '-');
        let [version]: [u8; 1] = bytes(parts.next()?)?;
        let trace = bytes(parts.next()?)?;
        let span = bytes(parts.next()?)?;
        let [flags]: [u8; 1] = bytes(parts.next()?)?;
        let is_known = match version {
            0 => parts.next().is_none(),
            u8::MAX => false,
            _ => true,
        };
        let is_valid = is_known && trace != [0; 16] && span != [0; 8];
        is_valid.then_some(Self {
            trace,
            span,
            is_sampled: flags & 1 == 1,
        })
    }
}

fn bytes<const N: usize>(hex: &str) -> Option<[u8; N]> {
    let is_hex = |digit: u8| matches!(digit, b'0'..=b'9' | b'a'..=b'f');
    if hex.len() != 2 * N || !hex.bytes().all(is_hex) {
        return None;
    }
    let mut bytes = [0; N];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const SPAN: &str = "b7ad6b7169203331";

    #[test]
    fn reads_who_calls_and_whether_it_is_recorded() {
        let of = |flags: &str| TraceParent::parse(&format!("00-{TRACE}-{SPAN}-{flags}"));
        let caller = of("01").unwrap();
        assert_eq!(
            u128::from_be_bytes(caller.trace),
            0x0af7651916cd43dd8448eb211c80319c
        );
        assert_eq!(u64::from_be_bytes(caller.span), 0xb7ad6b7169203331);
        assert!(caller.is_sampled && of("03").unwrap().is_sampled);
        assert!(!of("00").unwrap().is_sampled);
    }

    #[test]
    fn reads_what_later_versions_append() {
        assert!(TraceParent::parse(&format!("01-{TRACE}-{SPAN}-01-more")).is_some());
        assert!(TraceParent::parse(&format!("00-{TRACE}-{SPAN}-01-more")).is_none());
    }

    #[test]
    fn takes_nothing_else_for_a_caller() {
        let zero = "0".repeat(32);
        let upper = TRACE.to_uppercase();
        let headers = [
            String::new(),
            format!("00-{TRACE}-{SPAN}"),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("00-{zero}-{SPAN}-01"),
            format!("00-{TRACE}-{}-01", "0".repeat(16)),
            format!("00-{upper}-{SPAN}-01"),
            format!("00-{TRACE}0-{SPAN}-01"),
            format!("00-{TRACE}-{SPAN}-+1"),
            format!("00-{}é-{SPAN}-01", "0".repeat(30)),
        ];
        for header in headers {
            assert_eq!(TraceParent::parse(&header), None, "{header}");
        }
    }
}
