//! A step, and how engines spell it.

/// One step.
pub struct Migration {
    pub name: &'static str,
    pub sql: &'static str,
}

/// How an engine spells what engines spell differently.
pub struct Dialect {
    /// A signed integer of 64 bits.
    pub int: &'static str,
    /// Text that sorts by its bytes.
    pub text: &'static str,
    /// Bytes.
    pub blob: &'static str,
    /// A truth value.
    pub bool: &'static str,
    /// What follows the columns.
    pub options: &'static str,
}

impl Dialect {
    pub fn spell(&self, sql: &str) -> String {
        sql.replace("{int}", self.int)
            .replace("{text}", self.text)
            .replace("{blob}", self.blob)
            .replace("{bool}", self.bool)
            .replace("{options}", self.options)
    }
}
