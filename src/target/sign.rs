//! Signatures of the Standard Webhooks specification: who holds the key can tell that a call came
//! from here, is unchanged, and is of now.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::Hmac;
use hmac::KeyInit as _;
use hmac::Mac as _;
use ring::signature::Ed25519KeyPair;
use sha2::Sha256;

use crate::catalog::SigningKey;

/// The value of `webhook-signature`: one signature a key, in the order of the keys.
pub(super) fn signatures(keys: &[SigningKey], id: &str, timestamp: i64, body: &[u8]) -> String {
    let head = format!("{id}.{timestamp}.");
    let signatures: Vec<_> = keys
        .iter()
        .filter_map(|key| signature(key, head.as_bytes(), body))
        .collect();
    signatures.join(" ")
}

fn signature(key: &SigningKey, head: &[u8], body: &[u8]) -> Option<String> {
    match key {
        SigningKey::Hmac(key) => {
            // Keys of every length are taken.
            let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
            mac.update(head);
            mac.update(body);
            Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
        }
        SigningKey::Ed25519(seed) => {
            // Seeds are of 32 bytes, whatever they are.
            let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_slice()).ok()?;
            let signature = pair.sign(&[head, body].concat());
            Some(format!("v1a,{}", STANDARD.encode(signature)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's reference libraries.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const TIMESTAMP: i64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;

    #[test]
    fn the_signature_is_that_of_the_reference_libraries() {
        let key = SigningKey::symmetric(SECRET).unwrap();
        assert_eq!(
            signatures(&[key], ID, TIMESTAMP, BODY),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn during_a_rotation_the_new_key_signs_first_and_the_old_one_too() {
        let (new, old) = (format!("whsec_{}", STANDARD.encode([7; 32])), SECRET);
        let key = |text: &str| SigningKey::symmetric(text).unwrap();
        let both = signatures(&[key(&new), key(old)], ID, TIMESTAMP, BODY);
        let alone = |text: &str| signatures(&[key(text)], ID, TIMESTAMP, BODY);
        assert_eq!(both, format!("{} {}", alone(&new), alone(old)));
    }

    #[test]
    fn ed25519_signs_the_same_content() {
        let seed = [9; 32];
        let key = SigningKey::private(&format!("whsk_{}", STANDARD.encode(seed))).unwrap();
        let signed = signatures(&[key], ID, TIMESTAMP, BODY);
        let signature = STANDARD.decode(signed.strip_prefix("v1a,").unwrap()).unwrap();
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
        let public = ring::signature::KeyPair::public_key(&pair);
        let public = ring::signature::UnparsedPublicKey::new(&ring::signature::ED25519, public);
        let content = [format!("{ID}.{TIMESTAMP}.").as_bytes(), BODY].concat();
        assert!(public.verify(&content, &signature).is_ok());
    }
}
