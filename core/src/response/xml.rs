//! The gateway's faults in XML, which it sends whatever a request accepts:
//! `<ams:fault …><ams:code>900901</ams:code>…</ams:fault>`.
//!
//! This is no reader of XML: it looks for the texts of a few elements, under any
//! prefix, in the first few kilobytes.

/// The number of bytes that are looked at (our choice; a fault has some hundreds).
const MAX_FAULT: usize = 4096;

/// The texts of a fault's elements.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct XmlFault<'a> {
    pub(super) code: Option<&'a str>,
    pub(super) message: Option<&'a str>,
    pub(super) description: Option<&'a str>,
}

/// Reads a fault; `None` if the body is none.
pub(super) fn xml_fault(body: &[u8]) -> Option<XmlFault<'_>> {
    let start = body.get(..MAX_FAULT).unwrap_or(body);
    let text = match std::str::from_utf8(start) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(start.get(..error.valid_up_to())?).ok()?,
    };
    let inside = after_tag(text, "fault")?;
    Some(XmlFault {
        code: text_of(inside, "code"),
        message: text_of(inside, "message"),
        description: text_of(inside, "description"),
    })
}

/// The text after the first opening tag of this name, under any prefix.
fn after_tag<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = text;
    loop {
        let (_, tag) = rest.split_once('<')?;
        let (tag, after) = tag.split_once('>')?;
        let full_name = tag.split(|c: char| c.is_ascii_whitespace()).next()?;
        let is_empty = tag.ends_with('/');
        let local = full_name.rsplit(':').next()?;
        if local.eq_ignore_ascii_case(name) && !full_name.starts_with('/') && !is_empty {
            return Some(after);
        }
        rest = after;
    }
}

fn text_of<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (text, _) = after_tag(text, name)?.split_once('<')?;
    let text = text.trim();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_read_under_any_prefix() {
        for body in [
            r#"<ams:fault xmlns:ams="http://wso2.org/apimanager/security"><ams:code>900901</ams:code><ams:message>Invalid Credentials</ams:message><ams:description>d</ams:description></ams:fault>"#,
            "<?xml version=\"1.0\"?>\n<fault>\n <code> 900901 </code>\n <message>Invalid Credentials</message><description>d</description></fault>",
        ] {
            let fault = xml_fault(body.as_bytes()).unwrap();
            assert_eq!(fault.code, Some("900901"));
            assert_eq!(fault.message, Some("Invalid Credentials"));
            assert_eq!(fault.description, Some("d"));
        }
    }

    #[test]
    fn anything_else_is_no_fault() {
        for body in [
            "",
            "<html><body>code 900901</body></html>",
            "<fault/>",
            "<fault",
            "</fault><code>1</code>",
            "<default><code>1</code></default>",
        ] {
            assert_eq!(xml_fault(body.as_bytes()), None, "{body}");
        }
        let far = format!("{}<fault><code>1</code></fault>", " ".repeat(MAX_FAULT));
        assert_eq!(xml_fault(far.as_bytes()), None);
        assert_eq!(xml_fault(b"<fault>\xff<code>1</code>").unwrap().code, None);
    }
}
