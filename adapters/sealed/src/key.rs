//! A key that sessions are sealed with.

use std::{fmt, str::FromStr};

use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, aead::Generate};
use thiserror::Error;
use zeroize::{Zeroize, Zeroizing};

use crate::{
    SealError,
    key_id::{KeyId, read_hex},
};

/// The length of a key in bytes.
const LENGTH: usize = 32;

/// A key that sessions are sealed with: 32 random bytes.
///
/// It is wiped when it is dropped, and `Debug` shows its [`id`](Self::id) alone.
///
/// ```
/// use thingspace_sealed::SealingKey;
///
/// // `openssl rand -hex 32` and `openssl rand -base64 32` make one.
/// let text = "6b1e3c0b0f5d4f7c9c1f7e3a5d2b8e4f0a9c8b7d6e5f4a3b2c1d0e9f8a7b6c5d";
/// let key: SealingKey = text.parse()?;
/// assert_eq!(key.to_hex().as_str(), text);
/// # Ok::<(), thingspace_sealed::InvalidKey>(())
/// ```
#[derive(Clone)]
pub struct SealingKey {
    /// At a place of its own, so that no copy is left where the key was moved from.
    bytes: Box<Zeroizing<[u8; LENGTH]>>,
    id: KeyId,
}

impl SealingKey {
    /// Makes a new key of random bytes of the operating system.
    ///
    /// Fails if the system has none.
    pub fn random() -> Result<Self, SealError> {
        let mut bytes = <[u8; LENGTH]>::try_generate().map_err(SealError::random)?;
        let key = Self::from(&bytes);
        bytes.zeroize();
        Ok(key)
    }

    /// The name of the key, which says nothing of the key itself.
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// The key as 64 hex digits, to be saved where only its owners can read it.
    pub fn to_hex(&self) -> Zeroizing<String> {
        // It never grows: that would leave a copy that is not wiped.
        let mut text = Zeroizing::new(String::with_capacity(2 * LENGTH));
        for byte in self.bytes.iter() {
            for half in [byte >> 4, byte & 0xf] {
                text.extend(char::from_digit(half.into(), 16));
            }
        }
        text
    }

    /// The cipher with this key. It wipes its copy of the key.
    pub(crate) fn cipher(&self) -> XChaCha20Poly1305 {
        cipher(&self.bytes)
    }
}

/// The key of these bytes, which must be random. Wipe them afterwards.
impl From<&[u8; LENGTH]> for SealingKey {
    fn from(bytes: &[u8; LENGTH]) -> Self {
        let mut own = Box::new(Zeroizing::new([0; LENGTH]));
        own.copy_from_slice(bytes);
        let id = KeyId::of(&cipher(&own));
        Self { bytes: own, id }
    }
}

/// Reads 64 hex digits, or the base64 of 32 bytes. Blanks around them are allowed.
impl FromStr for SealingKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let text = text.trim();
        let mut bytes = Zeroizing::new([0; LENGTH]);
        let is_valid = if text.len() == 2 * LENGTH {
            read_hex(text, bytes.as_mut_slice())
        } else {
            read_base64(text, &mut bytes)
        };
        is_valid.then(|| Self::from(&*bytes)).ok_or(InvalidKey)
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealingKey({})", self.id)
    }
}

/// The error of a text that is no key. It repeats nothing of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "this is no key: a key is 64 hex digits, or the base64 of 32 bytes; make one with: openssl rand -hex 32"
)]
pub struct InvalidKey;

fn cipher(key: &[u8; LENGTH]) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.into())
}

/// Reads the base64 of a key, with or without its padding. Returns false if the text is
/// anything else.
fn read_base64(text: &str, bytes: &mut [u8; LENGTH]) -> bool {
    let text = text.strip_suffix('=').unwrap_or(text);
    // The decoder wants room for what the last digits might hold.
    let mut room = Zeroizing::new([0; LENGTH + 4]);
    let length = BASE64_STANDARD_NO_PAD.decode_slice(text, room.as_mut_slice());
    match room.first_chunk::<LENGTH>() {
        Some(key) if length == Ok(LENGTH) => {
            bytes.copy_from_slice(key);
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    const BASE64: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    #[test]
    fn a_key_is_read_from_hex_and_from_base64() {
        let bytes = std::array::from_fn(|number| u8::try_from(number).unwrap());
        let key = SealingKey::from(&bytes);
        let upper = HEX.to_uppercase();
        let with_blanks = format!(" {HEX}\r\n");
        let bare = BASE64.trim_end_matches('=');
        for text in [HEX, &upper, &with_blanks, BASE64, bare] {
            let read: SealingKey = text.parse().unwrap();
            assert_eq!((read.bytes, read.id), (key.bytes.clone(), key.id));
        }
        assert_eq!(key.to_hex().as_str(), HEX);
    }

    #[test]
    fn what_is_no_key_is_refused_and_not_repeated() {
        let texts = [
            "",
            "=",
            &HEX[..62],
            &format!("{HEX}00"),
            &HEX.replace('f', "g"),
            &HEX.replace("0f", "é"),
            &BASE64[..42],
            &format!("{BASE64}="),
            &format!("AA{BASE64}"),
            &BASE64.replace('A', "-"),
        ];
        for text in texts {
            let error = text.parse::<SealingKey>().unwrap_err();
            assert_eq!(error, InvalidKey, "{text}");
        }
    }

    #[test]
    fn an_id_is_the_same_everywhere_and_shows_nothing_of_the_key() {
        let key: SealingKey = HEX.parse().unwrap();
        // Sealed records out there name this key so.
        assert_eq!(key.id().to_string(), "2be72f1a0d88b8a7");
        assert_eq!(format!("{key:?}"), format!("SealingKey({})", key.id()));
        assert_eq!(KeyId::read(&key.id().to_string()), Some(key.id()));
        let (one, other) = (SealingKey::random().unwrap(), SealingKey::random().unwrap());
        assert_ne!(one.id(), other.id());
        assert_ne!(one.bytes, other.bytes);
    }
}
