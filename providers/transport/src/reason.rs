//! What a server says about its refusal, without what it was sent.

use serde_json::Value;

/// Where APIs put it.
const PLACES: [&str; 11] = [
    "/errors/0/message",
    "/errors/0/detail",
    "/errors/0",
    "/error/message",
    "/error_description",
    "/message",
    "/detail",
    "/error",
    "/reason",
    "/title",
    "/msg",
];

const LONGEST: usize = 200;

/// So many characters of a secret in a row are not a chance.
const TELLING: usize = 6;

pub(crate) fn reason(body: &Value, secrets: &[&str]) -> Option<String> {
    let text = PLACES.iter().find_map(|place| body.pointer(place)?.as_str())?;
    if secrets.iter().any(|secret| quotes(text, secret)) {
        return Some("(its words quote a value that was sent, and are left out)".to_owned());
    }
    let mut text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(LONGEST + 1)
        .collect::<String>()
        .trim()
        .to_owned();
    if text.chars().count() > LONGEST {
        text.pop();
        text.push('…');
    }
    (!text.is_empty()).then_some(text)
}

/// Whether a telling part of the secret is in the text, whatever the case of its letters.
fn quotes(text: &str, secret: &str) -> bool {
    let (text, secret) = (text.to_lowercase(), secret.to_lowercase());
    let secret: Vec<char> = secret.chars().collect();
    if secret.is_empty() {
        return false;
    }
    secret
        .windows(TELLING.min(secret.len()))
        .any(|part| text.contains(&part.iter().collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_words_are_kept_short_and_free_of_values() {
        let said = |body: Value| reason(&body, &["planted-value-1"]);
        assert_eq!(said(json!({"errors": ["no\nsuch"]})).unwrap(), "no such");
        assert_eq!(said(json!({"errors": [{"message": "bad id"}]})).unwrap(), "bad id");
        assert_eq!(said(json!({"error": {"type": 1}})), None);
        assert_eq!(said(json!(["x"])), None);
        let long = said(json!({"message": "x".repeat(5000)})).unwrap();
        assert_eq!(long.chars().count(), LONGEST + 1);
        for quoted in ["`planted-value-1` is wrong", "PLANTED-…", "ends with value-1"] {
            let said = said(json!({ "message": quoted })).unwrap();
            assert!(said.contains("left out"), "{said}");
        }
    }
}
