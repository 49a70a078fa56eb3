//! What rules note on a packet and its flow on their way, and what they shall change of the packet: it is done once a chain
//! has been walked through. Nothing is changed here.

/// Marks, and changes that were asked for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Marks {
    /// The packet's own mark.
    pub packet: u32,
    /// That of its flow.
    pub flow: u32,
    /// What its hop limit shall be.
    pub hop_limit: Option<u8>,
    /// What its type of service shall be.
    pub service: Option<u8>,
    /// What the largest segment shall be that a SYN allows.
    pub segment: Option<Segment>,
}

/// The largest segment that a connection shall send.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Segment {
    /// So many bytes, whatever fits.
    Bytes(u16),
    /// As many as fit the narrower of the ways there and back.
    Clamp,
}
