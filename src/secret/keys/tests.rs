use super::*;

fn keys(texts: &[&Secret]) -> Keys {
    let texts: Vec<_> = texts.iter().map(|text| text.expose()).collect();
    Keys::parse(&texts.join("\n")).unwrap()
}

fn sealed(keys: &Keys, owner: &str, value: &str) -> Sealed {
    Sealed::new(&keys.seal(owner, &Secret::new(value)).unwrap(), owner)
}

#[test]
fn what_is_sealed_opens_for_its_owner_with_the_key_that_sealed() {
    let keys = keys(&[&Keys::generate()]);
    for value in ["", "s3cr3t", "pä$$ 🗝", &"x".repeat(100_000)] {
        let sealed = sealed(&keys, "connection/a/bearer/token", value);
        assert_eq!(keys.open(&sealed), Ok(Secret::new(value)));
        assert!(value.is_empty() || !sealed.text.contains(value));
    }
}

#[test]
fn the_same_value_is_sealed_differently_each_time() {
    let keys = keys(&[&Keys::generate()]);
    assert_ne!(sealed(&keys, "o", "v"), sealed(&keys, "o", "v"));
}

#[test]
fn f50_a_ciphertext_moved_to_another_owner_does_not_open() {
    let keys = keys(&[&Keys::generate()]);
    let of_a = sealed(&keys, "connection/a/bearer/token", "v");
    let moved = Sealed::new(&of_a.text, "connection/b/bearer/token");
    let owner = "connection/b/bearer/token".to_owned();
    assert_eq!(keys.open(&moved), Err(SecretError::Damaged { owner }));
}

#[test]
fn f50_a_ciphertext_that_was_changed_or_cut_anywhere_does_not_open() {
    let keys = keys(&[&Keys::generate()]);
    let good = sealed(&keys, "o", "value");
    let bytes = good.text.as_bytes();
    for place in 0..bytes.len() {
        let mut changed = bytes.to_vec();
        changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
        for text in [&changed[..], &bytes[..place]] {
            let sealed = Sealed::new(std::str::from_utf8(text).unwrap(), "o");
            assert!(keys.open(&sealed).is_err(), "{place}");
        }
    }
}

#[test]
fn f50_another_key_is_told_from_a_damaged_text() {
    let (old, new) = (Keys::generate(), Keys::generate());
    let sealed = sealed(&keys(&[&old]), "o", "value");
    let error = keys(&[&new]).open(&sealed).unwrap_err();
    assert!(matches!(error, SecretError::UnknownKey { .. }), "{error:?}");
    assert!(keys(&[&old]).has(Sealed::key_id(&sealed.text).unwrap()));
}

#[test]
fn after_a_rotation_the_new_key_seals_and_the_old_one_still_opens() {
    let (old, new) = (Keys::generate(), Keys::generate());
    let before = sealed(&keys(&[&old]), "o", "value");
    let both = keys(&[&new, &old]);
    assert_eq!(both.open(&before), Ok(Secret::new("value")));
    let after = sealed(&both, "o", "value");
    assert_eq!(keys(&[&new]).open(&after), Ok(Secret::new("value")));
}

#[test]
fn a_key_is_32_bytes_in_base64_or_hex() {
    let hex = "0123456789abcdef".repeat(4);
    let ids = [
        hex.clone(),
        hex.to_uppercase(),
        "ASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4mrze8=".to_owned(),
        "ASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4mrze8".to_owned(),
        format!("# made today\n{hex}\n"),
        format!("{hex},{}", "0".repeat(64)),
    ]
    .map(|text| Keys::parse(&text).unwrap().current_id().unwrap().to_owned());
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    for bad in [
        "",
        "# none",
        "short",
        "ASNFZ4mrze8BI0VniavN7w==",
        &"g".repeat(64),
        &"é".repeat(32),
    ] {
        assert_eq!(Keys::parse(bad).unwrap_err(), InvalidKeys, "{bad}");
    }
}

#[test]
fn keys_and_secrets_do_not_show_themselves() {
    let text = Keys::generate();
    let keys = keys(&[&text]);
    let sealed = sealed(&keys, "o", "s3cr3t");
    let shown = format!("{text:?} {keys:?} {sealed:?} {:?}", keys.open(&sealed).unwrap());
    assert!(!shown.contains(text.expose()) && !shown.contains("s3cr3t") && !shown.contains(&*sealed.text));
}
