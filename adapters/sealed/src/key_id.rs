//! The name that a key goes by.

use std::fmt;

use chacha20poly1305::{AeadInOut, XChaCha20Poly1305, aead};

/// The nonce that only the names of keys are made with. The nonces of contents are random:
/// none of them is ever this one.
const ID_NONCE: [u8; 24] = *b"thingspace sealing keyid";

/// The name of a [`SealingKey`](crate::SealingKey): 16 hex digits, which may be shown to anybody.
///
/// It is made by the cipher itself, with the key, from a nonce that nothing else is ever
/// sealed with. So it is the same on every machine, it differs from key to key, and whoever
/// could learn anything of the key from it could do so from any sealed text.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId([u8; 8]);

impl KeyId {
    pub(crate) fn of(cipher: &XChaCha20Poly1305) -> Self {
        let mut id = [0; 8];
        let nonce: &aead::Nonce<XChaCha20Poly1305> = (&ID_NONCE).into();
        // It fails for nothing but a text of more than 256 GB.
        let _ = cipher.encrypt_inout_detached(nonce, &[], id.as_mut_slice().into());
        Self(id)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }

    /// Reads an id as `Display` writes it, and in no other way.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut id = [0; 8];
        let is_canonical = !text.bytes().any(|byte| byte.is_ascii_uppercase());
        (is_canonical && read_hex(text, &mut id)).then_some(Self(id))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// Writes the ids of keys for a message.
pub(crate) fn list(ids: &[KeyId]) -> impl fmt::Display {
    let ids: Vec<_> = ids.iter().map(KeyId::to_string).collect();
    ids.join(", ")
}

/// Reads as many hex digits as `bytes` has room for. Returns false if the text is anything
/// else.
pub(crate) fn read_hex(text: &str, bytes: &mut [u8]) -> bool {
    let mut digits = text.chars().map(|digit| digit.to_digit(16));
    for byte in bytes {
        let (Some(Some(high)), Some(Some(low))) = (digits.next(), digits.next()) else {
            return false;
        };
        let Ok(value) = u8::try_from(high << 4 | low) else {
            return false;
        };
        *byte = value;
    }
    digits.next().is_none()
}
