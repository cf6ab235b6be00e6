//! Comparison whose time does not depend on where two values differ.

/// True when both are equal; the time depends on the lengths alone.
///
/// For tokens, nonces and the like. [`check`](crate::check()) compares signatures by itself.
#[must_use]
pub fn constant_time_eq(left: &[u8], right: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(left, right).is_ok()
}
