//! The gateway's faults in XML, which it sends whatever a request accepts:
//! `<ams:fault …><ams:code>900901</ams:code>…</ams:fault>`.
//!
//! This is no reader of XML: it looks for the texts of a few elements, under any
//! prefix and in any case, in the first few kilobytes. UTF-16 is not read: no gateway
//! was seen to send it.

/// The number of bytes that are looked at (our choice; a fault has some hundreds).
const MAX_FAULT: usize = 4096;

/// The texts of a fault's elements.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct XmlFault {
    pub(super) code: Option<String>,
    pub(super) message: Option<String>,
    pub(super) description: Option<String>,
}

/// Reads a fault; `None` if the body is none.
pub(super) fn xml_fault(body: &[u8]) -> Option<XmlFault> {
    let start = String::from_utf8_lossy(body.get(..MAX_FAULT).unwrap_or(body));
    let mut pieces = Pieces(&start);
    pieces.find(|piece| matches!(piece, Piece::Opening(name) if is(name, "fault")))?;
    let mut fault = XmlFault::default();
    // The element that is open, and its text so far.
    let mut open = None;
    for piece in pieces {
        match (piece, &mut open) {
            (Piece::Opening(name), _) => open = Some((name, String::new())),
            (Piece::Text(text), Some((_, texts))) => texts.push_str(text),
            (Piece::Closing(name), _) if is(name, "fault") => break,
            (Piece::Closing(_), Some(_)) => fault.take(open.take()),
            (Piece::Text(_) | Piece::Closing(_), None) => {}
        }
    }
    fault.take(open);
    Some(fault)
}

impl XmlFault {
    /// Takes the text of an element, unless it has one of this name, or it is blank.
    fn take(&mut self, element: Option<(&str, String)>) {
        let Some((name, text)) = element else {
            return;
        };
        let field = match name {
            name if is(name, "code") => &mut self.code,
            name if is(name, "message") => &mut self.message,
            name if is(name, "description") => &mut self.description,
            _ => return,
        };
        let text = text.trim();
        if field.is_none() && !text.is_empty() {
            *field = Some(text.to_owned());
        }
    }
}

/// Returns true if an element has this name, under any prefix and in any case.
fn is(element: &str, name: &str) -> bool {
    let local = element.rsplit(':').next().unwrap_or_default();
    local.eq_ignore_ascii_case(name)
}

/// A piece of a document.
enum Piece<'a> {
    /// The name of an element that begins. One that is empty ends nowhere, and has no
    /// piece.
    Opening(&'a str),
    /// The name of an element that ends.
    Closing(&'a str),
    /// A text, as it is or in a CDATA section.
    Text(&'a str),
}

/// The pieces of a document that are not comments, declarations or the like. What
/// breaks off is no piece.
struct Pieces<'a>(&'a str);

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        loop {
            let Some(markup) = self.0.strip_prefix('<') else {
                let (text, rest) = self.0.split_at_checked(self.0.find('<')?)?;
                self.0 = rest;
                return Some(Piece::Text(text));
            };
            if let Some(section) = markup.strip_prefix("![CDATA[") {
                let (text, rest) = section.split_once("]]>")?;
                self.0 = rest;
                return Some(Piece::Text(text));
            }
            if let Some(comment) = markup.strip_prefix("!--") {
                self.0 = comment.split_once("-->")?.1;
                continue;
            }
            let (tag, rest) = markup.split_at_checked(end_of_tag(markup)?)?;
            self.0 = rest.strip_prefix('>')?;
            let name_of = |tag: &'a str| tag.split(|c: char| c.is_ascii_whitespace()).next();
            if let Some(tag) = tag.strip_prefix('/') {
                return name_of(tag).map(Piece::Closing);
            }
            if !tag.starts_with(['?', '!']) && !tag.ends_with('/') {
                return name_of(tag).map(Piece::Opening);
            }
        }
    }
}

/// The position of the `>` that ends a tag: one within the value of an attribute does
/// not.
fn end_of_tag(tag: &str) -> Option<usize> {
    let mut quote = None;
    tag.bytes().position(|byte| {
        match (quote, byte) {
            (Some(open), byte) if byte == open => quote = None,
            (None, b'"' | b'\'') => quote = Some(byte),
            _ => {}
        }
        quote.is_none() && byte == b'>'
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_read_in_every_form() {
        for body in [
            r#"<ams:fault xmlns:ams="http://wso2.org/apimanager/security"><ams:code>900901</ams:code><ams:message>Invalid Credentials</ams:message><ams:description>d</ams:description></ams:fault>"#,
            "<?xml version=\"1.0\"?>\n<fault>\n <code> 900901 </code>\n <message>Invalid Credentials</message><description>d</description></fault>",
            "\u{feff}<?xml version='1.0' encoding='UTF-8'?><fault><code>900901</code><message>Invalid Credentials</message><description>d</description></fault>",
            "<AM:FAULT xmlns:AM='a>b'><AM:CODE type=\"x>y\">900901</AM:CODE><AM:Message>Invalid Credentials</AM:Message><AM:Description>d</AM:Description></AM:FAULT>",
            "<fault><message><![CDATA[Invalid Credentials]]></message><code><![CDATA[900901]]></code><description>d</description></fault>",
            "<!-- <fault><code>1</code></fault> --><fault><!-- > --><code><!-- a -->900<!-- b -->901</code><message>Invalid Credentials</message><description>d</description></fault>",
            "<!DOCTYPE fault><a:fault ><b:code\n>900901</b:code ><message/><message>Invalid Credentials</message><description>d</description></a:fault>",
            "<fault><type>Status report</type><code>900901</code><message>Invalid Credentials</message><description>d</description><code>1</code></fault><code>2</code>",
        ] {
            let fault = xml_fault(body.as_bytes()).expect(body);
            assert_eq!(fault.code.as_deref(), Some("900901"), "{body}");
            assert_eq!(fault.message.as_deref(), Some("Invalid Credentials"));
            assert_eq!(fault.description.as_deref(), Some("d"), "{body}");
        }
        let latin = b"<fault><message>Ung\xfcltig</message><code>900901</code></fault>";
        let fault = xml_fault(latin).unwrap();
        assert_eq!(fault.code.as_deref(), Some("900901"));
        assert_eq!(fault.message.as_deref(), Some("Ung\u{fffd}ltig"));
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
            "<!-- <fault><code>1</code></fault> -->",
            "<![CDATA[<fault><code>1</code></fault>]]>",
            "<p title='<fault>'><code>1</code></p>",
        ] {
            assert_eq!(xml_fault(body.as_bytes()), None, "{body}");
        }
        let far = format!("{}<fault><code>1</code></fault>", " ".repeat(MAX_FAULT));
        assert_eq!(xml_fault(far.as_bytes()), None);
        for broken_off in ["<fault><code>9", "<fault><code>900901"] {
            assert_eq!(xml_fault(broken_off.as_bytes()).unwrap().code, None);
        }
    }
}
