//! The content of a sealed snapshot.
//!
//! It is a text of three parts, with points between them: the number of its format; the id
//! of its key, so that an operator can read it; and the base64 of a nonce, of the encrypted
//! JSON of the snapshot, and of the tag that proves who has encrypted it. There is one way
//! to write each of them, and no other is read.
//!
//! The tag also proves what stands around the content: the format, the key's id, the
//! revision and the time.

use std::mem;

use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};
use chacha20poly1305::{AeadInOut, Tag, XNonce, aead::Generate};
use thingspace_core::session::Snapshot;
use zeroize::Zeroizing;

use crate::{KeyId, Keyring, SealError, SealingKey};

/// The format of the text, as it stands in it.
const FORMAT: &str = "1";

/// The first of the associated data, different from that of any other format.
const DOMAIN: &[u8] = b"thingspace-sealed content 1";

const NONCE_LENGTH: usize = 24;
const TAG_LENGTH: usize = 16;

/// Seals a snapshot with a key.
pub(crate) fn seal(snapshot: &Snapshot, key: &SealingKey) -> Result<Snapshot, SealError> {
    let nonce = XNonce::try_generate().map_err(SealError::random)?;
    let mut text = bytes_of(snapshot.to_json().map_err(SealError::sealing)?);
    let about = associated(snapshot, key.id());
    // From here on, the buffer holds what is encrypted.
    let tag = key
        .cipher()
        .encrypt_inout_detached(&nonce, &about, text.as_mut_slice().into())
        .map_err(SealError::sealing)?;
    let sealed = [nonce.as_slice(), &text, &tag].concat();
    let sealed = BASE64_STANDARD_NO_PAD.encode(sealed);
    Ok(snapshot.seal(format!("{FORMAT}.{}.{sealed}", key.id())))
}

/// Opens a sealed snapshot that has this content.
pub(crate) fn open(
    sealed: &Snapshot,
    content: &str,
    keyring: &Keyring,
) -> Result<Snapshot, SealError> {
    let (id, bytes) = read(content).ok_or(SealError::Format)?;
    let key = keyring.find(id).ok_or_else(|| SealError::UnknownKey {
        needed: id,
        known: keyring.ids().collect(),
    })?;
    decrypt(&bytes, key, &associated(sealed, id))
        .ok_or(SealError::Broken { key: id })
        .and_then(|text| serde_json::from_slice(&text).map_err(SealError::NoSession))
}

/// Reads the parts of a content.
fn read(content: &str) -> Option<(KeyId, Vec<u8>)> {
    let (format, rest) = content.split_once('.')?;
    let (id, bytes) = rest.split_once('.')?;
    let bytes = BASE64_STANDARD_NO_PAD.decode(bytes).ok()?;
    (format == FORMAT).then_some((KeyId::read(id)?, bytes))
}

/// Decrypts a nonce, the encrypted text and the tag, if the tag holds.
fn decrypt(bytes: &[u8], key: &SealingKey, about: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, rest) = bytes.split_first_chunk::<NONCE_LENGTH>()?;
    let (text, tag) = rest.split_last_chunk::<TAG_LENGTH>()?;
    let (nonce, tag): (&XNonce, &Tag) = (nonce.into(), tag.into());
    let mut text = Zeroizing::new(text.to_vec());
    key.cipher()
        .decrypt_inout_detached(nonce, about, text.as_mut_slice().into(), tag)
        .ok()?;
    Some(text)
}

/// The bytes of a text, where they are.
fn bytes_of(mut text: Zeroizing<String>) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(mem::take(&mut *text).into_bytes())
}

/// Writes what stands around the content. Each part has a length of its own, so two
/// records have the same only if all parts are the same.
fn associated(snapshot: &Snapshot, id: KeyId) -> Vec<u8> {
    let revision = snapshot.revision();
    [
        DOMAIN,
        id.as_bytes(),
        &revision.version.to_be_bytes(),
        &revision.nonce.to_be_bytes(),
        &snapshot.saved_at().as_millis().to_be_bytes(),
    ]
    .concat()
}
