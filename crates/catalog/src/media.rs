//! What models other than chat models take, and where they are asked.

text_enum! {
    /// Which of a host's interfaces a path belongs to.
    pub enum Surface {
        /// Below the `OpenAI`-compatible base URL.
        Compatible => "compatible",
        /// Below the vendor's own `/api/v1`.
        Native => "native",
        /// Below the host itself.
        Root => "root",
    }
}
