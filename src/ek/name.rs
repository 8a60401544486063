use std::fmt;

/// A distinguished name: the bytes as received, and a key for comparison.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Name {
    raw: Box<[u8]>,
    key: NameKey,
}

/// Two names match by RFC 5280 section 7.1 exactly if their keys are equal.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NameKey(Box<[u8]>);

impl Name {
    /// The DER as received.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The key for comparison.
    pub fn key(&self) -> &NameKey {
        &self.key
    }

    /// Whether the name has no attribute.
    pub fn is_empty(&self) -> bool {
        self.key.0.is_empty()
    }
}

/// RFC 4514 style: `CN=…, O=…, C=…`, first RDN first, text unescaped for
/// terminals (use [`escape`](crate::finding::escape)).
impl fmt::Display for Name {
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        todo!()
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({self})")
    }
}

impl fmt::Debug for NameKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NameKey")
    }
}
